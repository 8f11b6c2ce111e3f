// SPDX-License-Identifier: Apache-2.0

package command

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestStatusTellsOfBatches asks a server that answers as a process does.
func TestStatusTellsOfBatches(t *testing.T) {
	pipeline := func(batches string) string {
		return `{"pipelines": [{"pipeline": "dr", "state": "running", ` + batches + `"lanes": [{"lane": 1, "state": "running"}]}]}`
	}
	tests := []struct {
		name, answer, says, counted string
	}{
		{"some decoded", pipeline(`"batches": {"encoded": 12345, "decoded": {"cut": 3, "gap": 12}}, `), "  batches: 99.8% of 12,360 untouched; decoded: 12 gap, 3 cut\n", `{"encoded":12345,"decoded":{"cut":3,"gap":12}}`},
		{"all untouched", pipeline(`"batches": {"encoded": 7}, `), "  batches: 100% of 7 untouched\n", `{"encoded":7}`},
		{"none yet", pipeline(`"batches": {"encoded": 0}, `), "", `{"encoded":0}`},
		{"a process that does not count", pipeline(""), "", `{"encoded":0}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, tt.answer) }))
			defer server.Close()
			ask := func(args ...string) string {
				var out, errs bytes.Buffer
				p := &Program{Stdout: &out, Stderr: &errs, LookupEnv: func(string) (string, bool) { return "", false }}
				if code := p.Execute(t.Context(), append([]string{"status", "--server", server.URL}, args...)); code != OK {
					t.Errorf("exit code %d: %s", code, errs.String())
				}
				return out.String()
			}
			if text := ask(); !strings.Contains(text, tt.says) || strings.Contains(text, "batches") != (tt.says != "") {
				t.Errorf("it does not say %q:\n%s", tt.says, text)
			}
			var got struct {
				Result struct {
					Pipelines []struct{ Batches json.RawMessage }
				}
			}
			if err := json.Unmarshal([]byte(ask("--json")), &got); err != nil || len(got.Result.Pipelines) != 1 {
				t.Fatalf("%+v, %v", got, err)
			}
			var compact bytes.Buffer
			if err := json.Compact(&compact, got.Result.Pipelines[0].Batches); err != nil || compact.String() != tt.counted {
				t.Errorf("batches are %s, want %s (%v)", compact.String(), tt.counted, err)
			}
		})
	}
}
