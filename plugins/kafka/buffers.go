// SPDX-License-Identifier: Apache-2.0

package kafka

import "sync"

// buffers keeps the memory of batches that were written for those to come. A
// nil *buffers makes all anew. It is safe for concurrent use.
type buffers struct{ pool sync.Pool }

// get returns a buffer that holds an empty batch header, with room for so many
// bytes behind it.
func (b *buffers) get(room int) []byte {
	if b != nil {
		if old, ok := b.pool.Get().(*[]byte); ok && cap(*old) >= headerSize+room {
			out := (*old)[:headerSize]
			clear(out)
			return out
		}
	}
	return make([]byte, headerSize, headerSize+room)
}

// put takes a buffer back that nobody uses any more.
func (b *buffers) put(raw []byte) {
	if b != nil {
		b.pool.Put(&raw)
	}
}
