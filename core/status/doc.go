// SPDX-License-Identifier: Apache-2.0

// Package status makes running pipelines observable: metrics, health and
// status over HTTP, and progress on a terminal or in the log. What the API changes,
// it asks others to do.
package status

import "github.com/klamm-io/klamm/core/runner"

// Snapshot returns the status of every pipeline of this process, always in the
// same order. It is called from several goroutines.
type Snapshot func() []runner.Status
