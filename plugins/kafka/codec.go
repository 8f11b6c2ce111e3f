// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/klamm-io/klamm/sdk"
)

// maxDecompressed bounds what one batch may unfold to.
const maxDecompressed = 128 << 20

// decompressor unfolds batches. What unfolds to more than its limit is refused
// before memory is taken for it, so that a few kilobytes of a broken or hostile
// producer cannot end the process. It is safe for concurrent use.
type decompressor struct {
	limit int
	gzip  sync.Pool // of *streamDecoder
	lz4   sync.Pool // of *streamDecoder
	zstd  sync.Pool // of *zstd.Decoder
}

var _ kgo.Decompressor = (*decompressor)(nil)

func newDecompressor(limit int) *decompressor { return &decompressor{limit: limit} }

// Decompress implements [kgo.Decompressor]. The bytes returned are the caller's.
func (d *decompressor) Decompress(src []byte, codec kgo.CompressionCodecType) ([]byte, error) {
	switch codec {
	case kgo.CodecNone:
		return src, nil
	case kgo.CodecGzip:
		s, ok := d.gzip.Get().(*streamDecoder)
		if !ok {
			s = &streamDecoder{format: &gzip.Reader{}}
		}
		defer d.gzip.Put(s)
		return s.decode(src, d.limit)
	case kgo.CodecSnappy:
		return d.snappy(src)
	case kgo.CodecLz4:
		s, ok := d.lz4.Get().(*streamDecoder)
		if !ok {
			s = &streamDecoder{format: lz4Format{lz4.NewReader(nil)}}
		}
		defer d.lz4.Put(s)
		return s.decode(src, d.limit)
	case kgo.CodecZstd:
		return d.unzstd(src)
	}
	return nil, fmt.Errorf("codec %d is not known", codec)
}

func tooLarge(src []byte, limit int) error {
	return fmt.Errorf("%d bytes unfold to more than %s", len(src), sdk.Bytes(limit))
}

// unzstd leaves the bound to the decoder: it refuses a declared size above it,
// and output that grows past it whatever was declared.
func (d *decompressor) unzstd(src []byte) ([]byte, error) {
	z, ok := d.zstd.Get().(*zstd.Decoder)
	if !ok {
		var err error
		if z, err = zstd.NewReader(nil, zstd.WithDecoderLowmem(true), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(uint64(d.limit))); err != nil {
			return nil, err
		}
	}
	defer d.zstd.Put(z)
	out, err := z.DecodeAll(src, nil)
	switch {
	case errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return nil, tooLarge(src, d.limit)
	case err != nil:
		return nil, err
	}
	return out, nil
}

// xerial is how Java producers frame snappy: this prefix, two versions, and
// then blocks with their length before them.
const (
	xerialPrefix     = "\x82SNAPPY\x00"
	xerialHeaderSize = len(xerialPrefix) + 4 + 4
)

var errXerial = errors.New("malformed xerial framing of snappy")

func (d *decompressor) snappy(src []byte) ([]byte, error) {
	if len(src) < xerialHeaderSize || string(src[:len(xerialPrefix)]) != xerialPrefix {
		size, err := s2.DecodedLen(src)
		switch {
		case err != nil:
			return nil, err
		case size > d.limit:
			return nil, tooLarge(src, d.limit)
		}
		return s2.Decode(nil, src)
	}
	size := 0
	for rest := src[xerialHeaderSize:]; len(rest) > 0; {
		block, next, err := xerialBlock(rest)
		if err != nil {
			return nil, err
		}
		n, err := s2.DecodedLen(block)
		if err != nil {
			return nil, err
		}
		if size += n; size > d.limit {
			return nil, tooLarge(src, d.limit)
		}
		rest = next
	}
	out := make([]byte, 0, size)
	for rest := src[xerialHeaderSize:]; len(rest) > 0; {
		block, next, _ := xerialBlock(rest)
		n, _ := s2.DecodedLen(block)
		if _, err := s2.Decode(out[len(out):len(out)+n], block); err != nil {
			return nil, err
		}
		out, rest = out[:len(out)+n], next
	}
	return out, nil
}

func xerialBlock(in []byte) (block, rest []byte, err error) {
	if len(in) < 4 {
		return nil, nil, errXerial
	}
	size := int(int32(binary.BigEndian.Uint32(in)))
	if size < 0 || size > len(in)-4 {
		return nil, nil, errXerial
	}
	return in[4 : 4+size], in[4+size:], nil
}

// streamFormat is a format that can only be read as a stream, and does not say
// in advance, or not to be relied on, how long it is.
type streamFormat interface {
	io.Reader
	Reset(io.Reader) error
}

// lz4Format gives Reset the signature that gzip's has.
type lz4Format struct{ *lz4.Reader }

func (f lz4Format) Reset(r io.Reader) error {
	f.Reader.Reset(r)
	return nil
}

// streamDecoder reads streams into memory that it uses again; what it returns
// is copied out, at its exact size.
type streamDecoder struct {
	format streamFormat
	src    bytes.Reader
	out    []byte
}

const streamChunk = 64 << 10

func (s *streamDecoder) decode(src []byte, limit int) ([]byte, error) {
	s.src.Reset(src)
	if err := s.format.Reset(&s.src); err != nil {
		return nil, err
	}
	defer s.src.Reset(nil)
	s.out = s.out[:0]
	for {
		if cap(s.out)-len(s.out) < streamChunk {
			s.out = slices.Grow(s.out, min(max(len(s.out), streamChunk), limit-len(s.out)+streamChunk))
		}
		n, err := s.format.Read(s.out[len(s.out):cap(s.out)])
		s.out = s.out[:len(s.out)+n]
		switch {
		case len(s.out) > limit:
			return nil, tooLarge(src, limit)
		case err == io.EOF:
			return slices.Clone(s.out), nil
		case err != nil:
			return nil, err
		}
	}
}
