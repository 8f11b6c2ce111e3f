// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"time"
)

// floorBlock is how many bytes the floor moves at once.
const floorBlock = 256 << 10

// runFloor reads from one socket, computes a CRC over it once, and writes it
// to another: what no mirror that passes bytes through can do without.
func runFloor(_ context.Context, args []string) error {
	f := flag.NewFlagSet("floor", flag.ContinueOnError)
	from := f.String("from", "", "address to read from")
	to := f.String("to", "", "address to write to")
	if err := f.Parse(args); err != nil {
		return err
	}
	in, err := net.Dial("tcp", *from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := net.Dial("tcp", *to)
	if err != nil {
		return err
	}
	defer out.Close()
	block, table := make([]byte, floorBlock), crc32.MakeTable(crc32.Castagnoli)
	for sum := uint32(0); ; {
		n, err := io.ReadFull(in, block)
		sum = crc32.Update(sum, table, block[:n])
		if _, err := out.Write(block[:n]); err != nil {
			return err
		}
		if err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				return nil
			}
			return err
		}
	}
}

// measureFloor has a process move so many bytes and tells what that took.
func (b *bench) measureFloor(ctx context.Context, wire, logical int64) (figures, error) {
	feed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return figures{}, err
	}
	defer feed.Close()
	drain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return figures{}, err
	}
	defer drain.Close()
	fed, drained := make(chan error, 1), make(chan int64, 1)
	go func() { fed <- feedFloor(feed, wire) }()
	go func() { drained <- drainFloor(drain) }()
	cmd := b.owned(ctx, "floor", "-from", feed.Addr().String(), "-to", drain.Addr().String())
	w, err := launch(cmd)
	if err != nil {
		return figures{}, err
	}
	began := time.Now()
	if err := w.wait(ctx, 5*time.Minute); err != nil {
		return figures{}, err
	}
	took := time.Since(began)
	if err := <-fed; err != nil {
		return figures{}, err
	}
	if n := <-drained; n != wire {
		return figures{}, fmt.Errorf("the floor moved %d of %d bytes", n, wire)
	}
	return figures{
		CPUPerGiB: w.cpu().Seconds() / gib(logical),
		MiBPerSec: mib(logical) / took.Seconds(),
		RSSMiB:    w.peakMiB(),
	}, nil
}

func feedFloor(l net.Listener, wire int64) error {
	c, err := l.Accept()
	if err != nil {
		return err
	}
	defer c.Close()
	for block := make([]byte, 1<<20); wire > 0; {
		n, err := c.Write(block[:min(wire, int64(len(block)))])
		if err != nil {
			return err
		}
		wire -= int64(n)
	}
	return nil
}

func drainFloor(l net.Listener) int64 {
	c, err := l.Accept()
	if err != nil {
		return 0
	}
	defer c.Close()
	var total int64
	for block := make([]byte, 1<<20); ; {
		n, err := c.Read(block)
		total += int64(n)
		if err != nil {
			return total
		}
	}
}

func gib(bytes int64) float64 { return float64(bytes) / (1 << 30) }
func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }
