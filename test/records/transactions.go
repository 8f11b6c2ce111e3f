// SPDX-License-Identifier: Apache-2.0

package records

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"
)

// fillTransactions has two producers write transactions side by side, so that
// those of one are open while the other's end. A quarter is aborted.
func (p *production) fillTransactions(ctx context.Context, t *Topic) error {
	const producers = 2
	var aborted atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for i := range producers {
		name := fmt.Sprintf("transactional %d", i)
		tx := &transactional{source: p.newSource(t.Name, name, uint64(20+i)), name: name}
		group.Go(func() error {
			client, err := p.client(kgo.TransactionalID(fmt.Sprintf("%s-%d", t.Name, i)))
			if err != nil {
				return err
			}
			defer client.Close()
			defer func() { aborted.Add(int64(tx.aborted)) }()
			return tx.run(ctx, client, share(t.Written, producers, i))
		})
	}
	err := group.Wait()
	t.Aborted = int(aborted.Load())
	return err
}

// transactional is one producer of transactions.
type transactional struct {
	source  *source
	name    string
	aborted int // records so far
}

// run writes transactions until count records are committed.
func (tx *transactional) run(ctx context.Context, client *kgo.Client, count int) error {
	const most = 400
	for count > 0 {
		size := min(1+tx.source.random.IntN(most), count)
		end := kgo.TryCommit
		if tx.source.in(25) {
			end = kgo.TryAbort
		}
		if err := tx.write(ctx, client, size, end); err != nil {
			return err
		}
		if end == kgo.TryCommit {
			count -= size
		} else {
			tx.aborted += size
		}
	}
	return nil
}

func (tx *transactional) write(ctx context.Context, client *kgo.Client, size int, end kgo.TransactionEndTry) error {
	tx.source.name = tx.name
	if end == kgo.TryAbort {
		tx.source.name = "aborted " + tx.name
	}
	if err := client.BeginTransaction(); err != nil {
		return fmt.Errorf("beginning a transaction: %w", err)
	}
	// Also what is aborted is flushed first: it has to be in the log.
	if err := write(ctx, client, size, func(int) *kgo.Record { return tx.source.odd() }); err != nil {
		return err
	}
	if err := client.EndTransaction(ctx, end); err != nil {
		return fmt.Errorf("ending a transaction: %w", err)
	}
	return nil
}
