// SPDX-License-Identifier: Apache-2.0

package sdk

import "context"

// Sync is a job beside the flow: it compares two clusters and makes one follow
// the other. Plan reads and changes nothing; Apply does what a plan says and
// is idempotent, so that a plan cut short is simply planned again.
type Sync interface {
	Plan(ctx context.Context) (Plan, error)
	Apply(ctx context.Context, plan Plan) error
	Close() error
}

// Plan is what a Sync would change, in the order it would do it.
type Plan struct {
	Changes []Change
}

// Change is one step of a plan, as a user reads it.
type Change struct {
	// Action is "create", "update" or "delete".
	Action string
	// Kind is what is changed, such as "topic", "config", "acl", "group".
	Kind string
	// Name is the name at the target.
	Name string
	// From and To are the values before and after; empty where there is none.
	From, To string
}
