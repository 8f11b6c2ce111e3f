// SPDX-License-Identifier: Apache-2.0

package status

import (
	"bytes"
	"fmt"
	"io"
	"sync"
)

// Screen is a block of lines on a terminal that is drawn again and again.
// Whatever else goes to the same terminal is written through it, and appears
// above the block. It is safe for concurrent use.
type Screen struct {
	out   io.Writer
	width func() int

	mu    sync.Mutex
	block []string
	drawn int    // lines of the block on the terminal
	half  []byte // of a line that was written without its end
}

// NewScreen makes a screen of a terminal; width tells its columns.
func NewScreen(out io.Writer, width func() int) *Screen {
	return &Screen{out: out, width: width}
}

// Draw replaces the block.
func (s *Screen) Draw(lines []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b bytes.Buffer
	s.erase(&b)
	s.block = lines
	s.paint(&b)
	_, _ = s.out.Write(b.Bytes())
}

// Leave keeps what is on the terminal; the next block begins below it.
func (s *Screen) Leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.block, s.drawn = nil, 0
}

// Write puts whole lines above the block; the rest waits for its end.
func (s *Screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.half = append(s.half, p...)
	end := bytes.LastIndexByte(s.half, '\n') + 1
	if end == 0 {
		return len(p), nil
	}
	var b bytes.Buffer
	s.erase(&b)
	b.Write(s.half[:end])
	s.half = append(s.half[:0], s.half[end:]...)
	s.paint(&b)
	if _, err := s.out.Write(b.Bytes()); err != nil {
		return 0, err
	}
	return len(p), nil
}

// erase puts the cursor where the block begins and clears what follows.
func (s *Screen) erase(b *bytes.Buffer) {
	if s.drawn > 0 {
		fmt.Fprintf(b, "\x1b[%dA\r\x1b[J", s.drawn)
	}
	s.drawn = 0
}

func (s *Screen) paint(b *bytes.Buffer) {
	for _, line := range s.block {
		b.WriteString(clip(line, s.width()))
		b.WriteByte('\n')
	}
	s.drawn = len(s.block)
}
