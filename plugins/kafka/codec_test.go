// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/twmb/franz-go/pkg/kgo"
	"pgregory.net/rapid"
)

var codecs = []struct {
	name string
	make kgo.CompressionCodec
	id   kgo.CompressionCodecType
}{
	{"none", kgo.NoCompression(), kgo.CodecNone},
	{"gzip", kgo.GzipCompression(), kgo.CodecGzip},
	{"snappy", kgo.SnappyCompression(), kgo.CodecSnappy},
	{"lz4", kgo.Lz4Compression(), kgo.CodecLz4},
	{"zstd", kgo.ZstdCompression(), kgo.CodecZstd},
}

func compress(t testing.TB, codec kgo.CompressionCodec, src []byte) []byte {
	c, err := kgo.DefaultCompressor(codec)
	if err != nil {
		t.Fatal(err)
	}
	if c == nil {
		return src
	}
	out, used := c.Compress(&bytes.Buffer{}, src)
	if used == kgo.CodecError {
		t.Fatal("cannot compress")
	}
	return bytes.Clone(out)
}

// xerial frames snappy as Java producers do.
func xerial(src []byte, block int) []byte {
	out := append([]byte(xerialPrefix), 0, 0, 0, 1, 0, 0, 0, 1)
	for len(src) > 0 {
		n := min(block, len(src))
		packed := s2.EncodeSnappy(nil, src[:n])
		out = binary.BigEndian.AppendUint32(out, uint32(len(packed)))
		out = append(out, packed...)
		src = src[n:]
	}
	return out
}

// sample is data that compresses to about a third.
func sample(n int) []byte {
	out := make([]byte, n)
	state := uint32(1)
	for i := range out {
		state = state*1664525 + 1013904223
		out[i] = byte(state>>24) & 0x0f
	}
	return out
}

func TestDecompressorAgreesWithKgo(t *testing.T) {
	mine, theirs := newDecompressor(maxDecompressed), kgo.DefaultDecompressor()
	for _, c := range codecs {
		t.Run(c.name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				src := bytes.Repeat(rapid.SliceOfN(rapid.Byte(), 1, 2000).Draw(t, "unit"), rapid.IntRange(1, 300).Draw(t, "times"))
				var packed []byte
				if x := rapid.IntRange(0, 40000).Draw(t, "xerial block"); c.id == kgo.CodecSnappy && x > 0 {
					packed = xerial(src, x)
				} else {
					packed = compress(noFail{}, c.make, src)
				}
				mangled := rapid.IntRange(0, 3).Draw(t, "mangle") == 0 && c.id != kgo.CodecNone
				if mangled {
					at := rapid.IntRange(0, len(packed)-1).Draw(t, "at")
					packed[at] ^= rapid.Byte().Draw(t, "with")
				}
				want, wantErr := theirs.Decompress(packed, c.id)
				got, err := mine.Decompress(packed, c.id)
				if mangled && err != nil {
					return // our limits are narrower: a flipped bit can ask for a window of gigabytes
				}
				if err != nil || wantErr != nil {
					t.Fatalf("error %v, kgo has %v", err, wantErr)
				}
				if err == nil && !bytes.Equal(got, want) {
					t.Fatalf("%d bytes differ from kgo's %d", len(got), len(want))
				}
			})
		})
	}
}

// noFail lets helpers run inside of properties.
type noFail struct{ testing.TB }

func (noFail) Fatal(args ...any) { panic(fmt.Sprint(args...)) }

func TestDecompressorRefusesBombs(t *testing.T) {
	const bombLimit = 8 << 20
	const size = bombLimit + 1
	zeros := make([]byte, size)
	claim := func(n uint64) []byte { return append(binary.AppendUvarint(nil, n), 0, 0) }
	zstdUnknown := func() []byte { // a frame that does not declare its size
		var out bytes.Buffer
		w, err := zstd.NewWriter(&out, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
		if err != nil {
			t.Fatal(err)
		}
		for range size >> 20 {
			w.Write(zeros[:1<<20])
		}
		w.Write(zeros[:1])
		w.Close()
		return out.Bytes()
	}
	lz4Sized := func() []byte {
		var out bytes.Buffer
		w := lz4.NewWriter(&out)
		if err := w.Apply(lz4.SizeOption(size)); err != nil {
			t.Fatal(err)
		}
		w.Write(zeros)
		w.Close()
		return out.Bytes()
	}
	tests := []struct {
		name  string
		codec kgo.CompressionCodecType
		bomb  []byte
		alloc uint64 // at most so many bytes may be taken
	}{
		{"gzip", kgo.CodecGzip, compress(t, kgo.GzipCompression(), zeros), 6 * bombLimit},
		{"lz4", kgo.CodecLz4, compress(t, kgo.Lz4Compression(), zeros), 6 * bombLimit},
		{"lz4 with its size", kgo.CodecLz4, lz4Sized(), 6 * bombLimit},
		{"zstd", kgo.CodecZstd, compress(t, kgo.ZstdCompression(), zeros), bombLimit / 2},
		{"zstd without its size", kgo.CodecZstd, zstdUnknown(), 6 * bombLimit},
		{"snappy", kgo.CodecSnappy, compress(t, kgo.SnappyCompression(), zeros), 1 << 20},
		{"snappy that only claims to be large", kgo.CodecSnappy, claim(size), 1 << 20},
		{"xerial", kgo.CodecSnappy, xerial(zeros, 32<<10), 1 << 20},
		{"xerial that only claims to be large", kgo.CodecSnappy, append(xerial(nil, 1), append([]byte{0, 0, 0, 7}, append(binary.AppendUvarint(nil, size), 0, 0, 0)...)...), 1 << 20},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := newDecompressor(bombLimit)
			if _, err := d.Decompress(compress(t, codecs[test.codec].make, []byte("small")), test.codec); err != nil {
				t.Fatal(err) // also makes what is made once
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			out, err := d.Decompress(test.bomb, test.codec)
			runtime.ReadMemStats(&after)
			if err == nil {
				t.Fatalf("%d bytes became %d", len(test.bomb), len(out))
			}
			if !strings.Contains(err.Error(), "unfold to more than 8MiB") {
				t.Errorf("the error does not say what is wrong: %v", err)
			}
			if taken := after.TotalAlloc - before.TotalAlloc; taken > test.alloc {
				t.Errorf("%d bytes were taken, at most %d may be", taken, test.alloc)
			}
		})
	}
}

func TestDecompressorTakesExactlyItsLimit(t *testing.T) {
	const size = 1 << 20
	src := sample(size)
	for _, c := range codecs[1:] {
		t.Run(c.name, func(t *testing.T) {
			packed := compress(t, c.make, src)
			if out, err := newDecompressor(size).Decompress(packed, c.id); err != nil || !bytes.Equal(out, src) {
				t.Errorf("at the limit: %d bytes, %v", len(out), err)
			}
			if _, err := newDecompressor(size-1).Decompress(packed, c.id); err == nil {
				t.Error("above the limit: no error")
			}
		})
	}
}

func TestDecompressorRefusesGarbage(t *testing.T) {
	tests := []struct {
		name  string
		codec kgo.CompressionCodecType
		in    []byte
	}{
		{"codec 5", 5, []byte("x")},
		{"codec 7", 7, []byte("x")},
		{"gzip", kgo.CodecGzip, []byte("no gzip at all")},
		{"gzip, empty", kgo.CodecGzip, nil},
		{"lz4", kgo.CodecLz4, []byte("no lz4 at all")},
		{"zstd", kgo.CodecZstd, []byte("no zstd at all")},
		{"snappy", kgo.CodecSnappy, []byte("\xff\xff\xff\xff\xff\xff")},
		{"xerial, half a length", kgo.CodecSnappy, append(xerial(nil, 1), 0, 0)},
		{"xerial, length behind the end", kgo.CodecSnappy, append(xerial(nil, 1), 0, 0, 0, 9, 0)},
		{"xerial, negative length", kgo.CodecSnappy, append(xerial(nil, 1), 0xff, 0xff, 0xff, 0xff, 0)},
		{"gzip, cut", kgo.CodecGzip, compress(t, kgo.GzipCompression(), sample(1000))[:200]},
		{"lz4, cut", kgo.CodecLz4, compress(t, kgo.Lz4Compression(), sample(1000))[:200]},
		{"zstd, cut", kgo.CodecZstd, compress(t, kgo.ZstdCompression(), sample(1000))[:200]},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if out, err := newDecompressor(1<<20).Decompress(test.in, test.codec); err == nil {
				t.Errorf("became %d bytes", len(out))
			}
		})
	}
}

// What one call returned stays as it is when the next one reuses its reader,
// also beside others.
func TestDecompressorSharesNothingItReturned(t *testing.T) {
	d := newDecompressor(1 << 20)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for _, c := range codecs {
				first, second := sample(50_000+g), bytes.Repeat([]byte{byte(g)}, 60_000)
				a, err1 := d.Decompress(compress(noFail{}, c.make, first), c.id)
				b, err2 := d.Decompress(compress(noFail{}, c.make, second), c.id)
				if err1 != nil || err2 != nil || !bytes.Equal(a, first) || !bytes.Equal(b, second) {
					t.Errorf("%s: %v, %v, or other bytes", c.name, err1, err2)
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkDecompress(b *testing.B) {
	src := sample(256 << 10)
	for _, c := range codecs[1:] {
		packed := compress(b, c.make, src)
		for name, d := range map[string]kgo.Decompressor{"ours": newDecompressor(maxDecompressed), "kgo": kgo.DefaultDecompressor()} {
			b.Run(c.name+"/"+name, func(b *testing.B) {
				b.SetBytes(int64(len(src)))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := d.Decompress(packed, c.id); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
