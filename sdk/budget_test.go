// SPDX-License-Identifier: Apache-2.0

package sdk_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klamm-io/klamm/sdk"
)

func TestBudgetWaitsUntilItFits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := sdk.NewBudget(10)
		b.Take(6)
		got := make(chan error, 1)
		go func() { got <- b.Acquire(t.Context(), 5) }()
		synctest.Wait()
		if len(got) != 0 || b.Used() != 6 {
			t.Fatalf("11 of 10 are held; used %d", b.Used())
		}
		b.Release(1)
		synctest.Wait()
		if err := <-got; err != nil || b.Used() != 10 {
			t.Errorf("%v, used %d", err, b.Used())
		}
	})
}

func TestBudgetLetsOversizePassAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := sdk.NewBudget(10)
		if err := b.Acquire(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		got := make(chan error, 1)
		go func() { got <- b.Acquire(t.Context(), 100) }()
		synctest.Wait()
		if len(got) != 0 {
			t.Fatal("let through beside another")
		}
		b.Release(1)
		synctest.Wait()
		if err := <-got; err != nil || b.Used() != 100 {
			t.Fatalf("%v, used %d", err, b.Used())
		}
		go func() { got <- b.Acquire(t.Context(), 1) }()
		synctest.Wait()
		if len(got) != 0 {
			t.Error("something passed beside the oversized")
		}
		b.Release(100)
		synctest.Wait()
		if err := <-got; err != nil || b.Used() != 1 {
			t.Errorf("%v, used %d", err, b.Used())
		}
	})
}

func TestBudgetCancellationTakesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := sdk.NewBudget(10)
		b.Take(10)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		if err := b.Acquire(ctx, 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if waited := time.Since(began); waited != time.Minute || b.Used() != 10 {
			t.Errorf("waited %v, used %d", waited, b.Used())
		}
	})
}

func TestBudgetAcquireEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b := sdk.NewBudget(10)
	if err := b.Acquire(ctx, 1); !errors.Is(err, context.Canceled) || b.Used() != 0 {
		t.Errorf("%v, used %d", err, b.Used())
	}
}

func TestBudgetIsNeverExceeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit, workers = 10, 8
		b := sdk.NewBudget(limit)
		var held, passed atomic.Int64
		var working sync.WaitGroup
		for w := range workers {
			working.Go(func() {
				for i := range 50 {
					n := int64((w+i)%6 + 1)
					if err := b.Acquire(t.Context(), n); err != nil {
						t.Error(err)
						return
					}
					if now := held.Add(n); now > limit {
						t.Errorf("%d of %d held", now, limit)
					}
					<-time.After(time.Duration(n) * time.Millisecond)
					held.Add(-n)
					b.Release(n)
					passed.Add(1)
				}
			})
		}
		working.Wait()
		if b.Used() != 0 || passed.Load() != workers*50 {
			t.Errorf("used %d at the end, %d passed", b.Used(), passed.Load())
		}
	})
}
