// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"io"
	"os"
	"strings"
)

// brokerLog is the file with a broker's warnings and errors.
type brokerLog string

// size is where the log ends now.
func (l brokerLog) size() int64 {
	info, err := os.Stat(string(l))
	if err != nil {
		return 0
	}
	return info.Size()
}

// since quotes the last lines written after offset.
func (l brokerLog) since(offset int64) string {
	const most, lines = 64 << 10, 40
	f, err := os.Open(string(l))
	if err != nil {
		return err.Error()
	}
	defer func() { _ = f.Close() }()
	offset = max(offset, l.size()-most)
	content, err := io.ReadAll(io.NewSectionReader(f, offset, most))
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimSpace(string(content)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
