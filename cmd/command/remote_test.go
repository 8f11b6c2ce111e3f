// SPDX-License-Identifier: Apache-2.0

package command

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestRemote pauses over a server that answers as told.
func TestRemote(t *testing.T) {
	const one = `{"pipelines": [{"pipeline": "dr", "state": "running"}]}`
	tests := []struct {
		name      string
		args      []string
		code      int
		answer    string
		pipelines string
		exit      ExitCode
		says      string
		sent      string
	}{
		{"the one pipeline", nil, 200, `{}`, one, OK, "paused: the pipeline\n", `Bearer s3cret {"pipeline":"dr"}`},
		{"a partition", []string{"--topic", "a", "--partition", "0"}, 200, `{}`, one, OK, "paused: topic a partition 0\n", `Bearer s3cret {"pipeline":"dr","topic":"a","partition":0}`},
		{"another token", []string{"--token", "other"}, 401, `{"error": "changes need the token"}`, one, Environment, "changes need the token", `Bearer other {"pipeline":"dr"}`},
		{"not known", []string{"--pipeline", "x"}, 404, `{"error": "runs no pipeline"}`, one, Usage, "runs no pipeline", `Bearer s3cret {"pipeline":"x"}`},
		{"not now", nil, 503, `{"error": "just starting"}`, one, RunTime, "answers 503: just starting", `Bearer s3cret {"pipeline":"dr"}`},
		{"which one", nil, 200, `{}`, `{"pipelines": [{"pipeline": "dr"}, {"pipeline": "ab"}]}`, Usage, "choose one with --pipeline", ""},
		{"not klamm", nil, 200, `{}`, `<html>`, RunTime, "does not answer as klamm does", ""},
		{"not klamm at all", nil, 502, `<html>`, one, RunTime, "answers 502: Bad Gateway", `Bearer s3cret {"pipeline":"dr"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var sent string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					_, _ = io.WriteString(w, tt.pipelines)
					return
				}
				body, _ := io.ReadAll(r.Body)
				sent = fmt.Sprint(r.Header.Get("Authorization"), " ", string(body))
				w.WriteHeader(tt.code)
				_, _ = io.WriteString(w, tt.answer)
			}))
			defer server.Close()
			var out, errs bytes.Buffer
			p := &Program{Stdout: &out, Stderr: &errs, LookupEnv: func(name string) (string, bool) { return "s3cret", name == tokenVariable }}
			code := p.Execute(t.Context(), append([]string{"pause", "--server", server.URL}, tt.args...))
			if code != tt.exit || sent != tt.sent || !strings.Contains(out.String()+errs.String(), tt.says) {
				t.Errorf("exit code %d, sent %q, printed %q and %q", code, sent, out.String(), errs.String())
			}
			if strings.Contains(out.String()+errs.String(), "s3cret") {
				t.Error("the token was printed")
			}
		})
	}
}
