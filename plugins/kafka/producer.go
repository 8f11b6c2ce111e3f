// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/klamm-io/klamm/sdk"
)

// producerState is whose batch it is, by which the broker recognises a repeated
// one and refuses that of an earlier owner.
type producerState struct {
	id       int64
	epoch    int16
	sequence int32 // of the next record
}

// after is the sequence behind n records; it wraps after 2^31-1.
func (p producerState) after(n int) int32 {
	return int32((int64(p.sequence) + int64(n)) & 0x7fffffff)
}

// transactionTimeoutMillis is how long a transaction of an owner that is gone
// may stay open, unless the next owner ends it sooner.
const transactionTimeoutMillis = 30000

// initProducer asks for the producer id of a transactional id. It fences every
// earlier holder and ends what transaction it left open.
func initProducer(ctx context.Context, c *client, transactionalID string) (producerState, error) {
	req := kmsg.NewPtrInitProducerIDRequest()
	req.TransactionalID = kmsg.StringPtr(transactionalID)
	req.TransactionTimeoutMillis = transactionTimeoutMillis
	req.ProducerID, req.ProducerEpoch = -1, -1
	var pause retry
	for {
		resp, err := req.RequestWith(ctx, c.Client)
		if err == nil {
			err = kerr.ErrorForCode(resp.ErrorCode)
		}
		switch {
		case err == nil:
			return producerState{id: resp.ProducerID, epoch: resp.ProducerEpoch}, nil
		case errors.Is(err, kerr.TransactionalIDAuthorizationFailed):
			return producerState{}, &sdk.EnvironmentError{
				Cluster: c.name, Err: fmt.Errorf("transactional id %s: %w", transactionalID, err),
				Fix: fmt.Sprintf("grant WRITE and DESCRIBE on transactional ids with the prefix %s", ownPrefix),
			}
		case ctx.Err() != nil || !kerr.IsRetriable(err) && !errors.Is(err, kerr.ConcurrentTransactions):
			return producerState{}, fmt.Errorf("cluster %s: fencing transactional id %s: %w", c.name, transactionalID, err)
		}
		if err := sleep(ctx, pause.again(time.Now())); err != nil {
			return producerState{}, err
		}
	}
}
