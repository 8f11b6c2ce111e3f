// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"testing"
)

// Main is the TestMain of packages that use [Clusters]. It starts the shared
// clusters, unless with-kafka did, and exits with the result of the tests.
func Main(m *testing.M) {
	flag.Parse()
	if os.Getenv(SharedEnv) != "" {
		os.Exit(m.Run())
	}
	code, err := runWithShared(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

func runWithShared(m *testing.M) (code int, err error) {
	shared, err := StartShared(context.Background(), Config{})
	if err != nil {
		return 1, err
	}
	if err := os.Setenv(SharedEnv, shared.Env()); err != nil {
		return 1, err
	}
	code = m.Run()
	return code, shared.Stop()
}

// Clusters are the two that all tests of a run share. Use topic names of your
// own (see [UniqueName]): other tests run at the same time.
func Clusters(t testing.TB) (east, west *Cluster) {
	t.Helper()
	env := os.Getenv(SharedEnv)
	if env == "" {
		t.Fatal("no shared clusters: TestMain has to call kafka.Main")
	}
	var clusters map[string]announcement
	if err := json.Unmarshal([]byte(env), &clusters); err != nil {
		t.Fatalf("reading %s: %v", SharedEnv, err)
	}
	return join(t, "east", clusters["east"]), join(t, "west", clusters["west"])
}

// join is a test's view of a shared cluster. What the broker logs during a
// test that fails becomes part of its output.
func join(t testing.TB, name string, a announcement) *Cluster {
	t.Helper()
	begin := a.Log.size()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s logged meanwhile:\n%s", name, a.Log.since(begin))
		}
	})
	return &Cluster{
		config:    Config{Version: DefaultVersion},
		addresses: map[Listener][]string{Plaintext: a.Bootstrap},
	}
}
