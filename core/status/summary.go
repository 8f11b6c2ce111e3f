// SPDX-License-Identifier: Apache-2.0

package status

import (
	"fmt"
	"io"
	"time"
)

// Summary writes how each pipeline ended: one line each, one if batches were
// decoded, and one for every partition that stopped.
func Summary(w io.Writer, snapshot Snapshot, now time.Time) error {
	for _, s := range snapshot() {
		took := max(now.Sub(s.Started), time.Millisecond)
		if s.Started.IsZero() {
			took = 0
		}
		if _, err := fmt.Fprintf(w, "%s: %s, %s records, %s in %s\n", s.Pipeline, s.State,
			Count(s.Records), Size(s.Bytes), took.Round(time.Millisecond)); err != nil {
			return err
		}
		if decoded(s.Batches) > 0 {
			if _, err := fmt.Fprintf(w, "  batches: %s\n", batchWords(s.Batches)); err != nil {
				return err
			}
		}
		order(&s)
		for _, p := range s.Partitions {
			if p.Reason == "" {
				continue
			}
			if _, err := fmt.Fprintf(w, "  stopped: %s\n", oneLine(p.LastError)); err != nil {
				return err
			}
		}
	}
	return nil
}
