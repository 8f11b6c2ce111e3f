// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"math/bits"
	"sync"
	"sync/atomic"

	"github.com/klamm-io/klamm/sdk"
)

// buffers keeps memory that was used for what comes next, so that gigabytes pass
// through without being allocated, and through memory that the processor still has
// at hand: what was given back last is lent first. It is safe for concurrent use.
type buffers struct {
	budget *sdk.Budget // nil if what is lent is counted elsewhere
	keep   int64       // bytes that may lie idle

	mu   sync.Mutex
	idle int64
	free [maxClass][]*memory // by class
}

// Classes are a quarter of a power of two apart, so that no more than a fifth of a
// buffer lies idle. What is smaller than the first is not worth keeping.
const (
	minPooled = 64 << 10
	maxClass  = 4 * 16 // up to 4 GiB
)

// memory is a buffer of which several may hold a part. The last one to release it
// gives it back. A nil *memory is nobody's.
type memory struct {
	bytes []byte
	from  *buffers
	class int // -1 if it is not kept
	users atomic.Int32
}

// newBuffers makes buffers that are counted in budget, if it is not nil, and keep up
// to so many bytes.
func newBuffers(budget *sdk.Budget, keep int64) *buffers {
	return &buffers{budget: budget, keep: keep}
}

// get returns memory of n bytes, with one user and whatever was in it before. It
// counts in the budget, for which it does not wait.
func (b *buffers) get(n int) *memory {
	class, size := classOf(n)
	m := b.take(class)
	if m == nil {
		m = &memory{bytes: make([]byte, size), from: b, class: class}
	}
	m.bytes = m.bytes[:n]
	m.users.Store(1)
	if b.budget != nil {
		b.budget.Take(int64(cap(m.bytes)))
	}
	return m
}

func (b *buffers) take(class int) *memory {
	if class < 0 {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	last := len(b.free[class]) - 1
	if last < 0 {
		return nil
	}
	m := b.free[class][last]
	b.free[class][last], b.free[class] = nil, b.free[class][:last]
	b.idle -= int64(cap(m.bytes))
	return m
}

// put keeps memory that nobody uses, in the place of what lies idle in other sizes.
func (b *buffers) put(m *memory) {
	b.mu.Lock()
	defer b.mu.Unlock()
	size := int64(cap(m.bytes))
	for class := 0; b.idle+size > b.keep && class < maxClass; class++ {
		for class != m.class && len(b.free[class]) > 0 && b.idle+size > b.keep {
			last := len(b.free[class]) - 1
			b.idle -= int64(cap(b.free[class][last].bytes))
			b.free[class][last], b.free[class] = nil, b.free[class][:last]
		}
	}
	if b.idle+size <= b.keep {
		b.free[m.class] = append(b.free[m.class], m)
		b.idle += size
	}
}

// classOf returns the class of buffers that hold n bytes, and how large they are.
func classOf(n int) (class, size int) {
	if n < minPooled {
		return -1, n
	}
	// size = (4+quarter) * 2^(power-2) >= n
	power := bits.Len(uint(n-1)) - 1
	unit := 1 << (power - 2)
	quarters := (n + unit - 1) / unit // 4 to 8
	class = 4*(power-bits.Len(minPooled)+2) + quarters - 4
	if class >= maxClass {
		return -1, n
	}
	return class, quarters * unit
}

// retain is for one more user.
func (m *memory) retain() *memory {
	if m != nil {
		m.users.Add(1)
	}
	return m
}

// release is called once by each user; afterwards the bytes are not its own.
func (m *memory) release() {
	if m == nil || m.users.Add(-1) > 0 {
		return
	}
	if m.from.budget != nil {
		m.from.budget.Release(int64(cap(m.bytes)))
	}
	if m.class >= 0 {
		m.from.put(m)
	}
}
