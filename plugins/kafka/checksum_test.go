// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"hash/crc32"
	"math/rand/v2"
	"testing"
)

func TestPatchedChecksum(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	fill := func(b []byte) {
		for i := range b {
			b[i] = byte(random.Uint32())
		}
	}
	for _, behind := range []int{0, 1, 2, 3, 61, 255, 256, 4095, 65536, 1 << 20, 1<<20 + 12345} {
		message := make([]byte, 40+behind)
		fill(message)
		crc := crc32.Checksum(message, castagnoli)
		before := append([]byte(nil), message[:40]...)
		fill(message[:40])
		got, want := patched(crc, before, message[:40], behind), crc32.Checksum(message, castagnoli)
		if got != want {
			t.Errorf("%d bytes behind: got %08x, want %08x", behind, got, want)
		}
		if behind == 0 {
			continue
		}
		// What happens to the bytes behind in the meantime is not blessed.
		message[40+random.IntN(behind)] ^= 1
		if got == crc32.Checksum(message, castagnoli) {
			t.Errorf("%d bytes behind: the checksum fits damaged bytes", behind)
		}
	}
}

func FuzzPatchedChecksum(f *testing.F) {
	f.Add([]byte("0123456789012345678901234567890123456789"), []byte("payload"))
	f.Fuzz(func(t *testing.T, front, payload []byte) {
		if len(front) < 40 {
			return
		}
		old, now := front[:20], front[20:40]
		crc := crc32.Checksum(append(append([]byte(nil), old...), payload...), castagnoli)
		want := crc32.Checksum(append(append([]byte(nil), now...), payload...), castagnoli)
		if got := patched(crc, old, now, len(payload)); got != want {
			t.Errorf("got %08x, want %08x", got, want)
		}
	})
}
