// SPDX-License-Identifier: Apache-2.0

package kafka

import "hash/crc32"

// patched returns the checksum (CRC-32C) of bytes of which only the front has
// changed, from old to new of the same length, with so many bytes behind it. The
// bytes behind are not looked at: whatever happened to them since crc was made still
// does not fit it.
//
// A CRC is linear but for a constant: that of the difference of two messages is the
// difference of theirs, and zeros behind it multiply it by a power of x.
func patched(crc uint32, old, new []byte, behind int) uint32 {
	var diff [headerSize]byte
	for i := range new {
		diff[i] = old[i] ^ new[i]
	}
	delta := ^crc32.Update(^uint32(0), castagnoli, diff[:len(new)])
	for k := 0; behind > 0; k, behind = k+1, behind>>1 {
		if behind&1 != 0 {
			delta = multiply(delta, zeros[k])
		}
	}
	return crc ^ delta
}

// zeros[k] is x^(8·2^k): what 2^k bytes of zeros multiply by.
var zeros = func() (powers [31]uint32) {
	powers[0] = 1 << (31 - 8)
	for k := 1; k < len(powers); k++ {
		powers[k] = multiply(powers[k-1], powers[k-1])
	}
	return powers
}()

// multiply multiplies two polynomials modulo that of CRC-32C; the highest bit is
// the coefficient of x^0.
func multiply(a, b uint32) (product uint32) {
	for ; a != 0; a <<= 1 {
		if a&(1<<31) != 0 {
			product ^= b
		}
		b = b>>1 ^ -(b&1)&crc32.Castagnoli
	}
	return product
}
