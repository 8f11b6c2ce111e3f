// SPDX-License-Identifier: Apache-2.0

package status

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/klamm-io/klamm/sdk"
)

// guardCase is a request to change something, and its answer.
type guardCase struct {
	name, token, peer, host string
	headers                 map[string]string
	code                    int
	says                    string
}

func guardCases() []guardCase {
	const local, away = "127.0.0.1:5000", "10.0.0.9:5000"
	jsonType := map[string]string{"Content-Type": "application/json"}
	with := func(headers ...string) map[string]string {
		all := map[string]string{"Content-Type": "application/json"}
		for i := 0; i < len(headers); i += 2 {
			all[headers[i]] = headers[i+1]
		}
		return all
	}
	return []guardCase{
		{"this machine", "", local, "127.0.0.1:9644", jsonType, 200, ""},
		{"this machine, by name", "", local, "localhost:9644", jsonType, 200, ""},
		{"this machine, IPv6", "", "[::1]:5000", "[::1]:9644", jsonType, 200, ""},
		{"IPv4 in IPv6", "", "[::ffff:127.0.0.1]:5000", "127.0.0.1", jsonType, 200, ""},
		{"with a charset", "", local, "localhost", map[string]string{"Content-Type": "application/json; charset=utf-8"}, 200, ""},
		{"elsewhere", "", away, "127.0.0.1:9644", jsonType, 403, "set token in the server block"},
		{"a rebound name", "", local, "evil.example:9644", jsonType, 403, `"evil.example`},
		{"no host", "", local, "", jsonType, 403, "the host"},
		{"behind a proxy", "", local, "127.0.0.1:9644", with("X-Forwarded-For", "10.0.0.9"), 403, "proxy"},
		{"a web page", "", local, "127.0.0.1:9644", with("Origin", "http://127.0.0.1:9644"), 403, "Origin"},
		{"a web form", "", local, "127.0.0.1:9644", map[string]string{"Content-Type": "text/plain"}, 415, "Content-Type: application/json"},
		{"no type", "", local, "127.0.0.1:9644", nil, 415, "Content-Type: application/json"},
		{"the token", "s3cret", away, "klamm.example", with("Authorization", "Bearer s3cret"), 200, ""},
		{"no token", "s3cret", local, "127.0.0.1:9644", jsonType, 401, "KLAMM_TOKEN"},
		{"another token", "s3cret", local, "127.0.0.1:9644", with("Authorization", "Bearer s3cre"), 401, "Authorization: Bearer"},
		{"an empty token", "s3cret", local, "127.0.0.1:9644", with("Authorization", "Bearer "), 401, "Authorization: Bearer"},
		{"another scheme", "s3cret", local, "127.0.0.1:9644", with("Authorization", "Basic s3cret"), 401, "Authorization: Bearer"},
		{"a web page with the token", "s3cret", away, "klamm.example", with("Authorization", "Bearer s3cret", "Origin", "https://x"), 403, "Origin"},
	}
}

// TestGuard sends requests to change something, from all the places and in all the
// ways that are not allowed, and from those that are.
func TestGuard(t *testing.T) {
	for _, tt := range guardCases() {
		t.Run(tt.name, func(t *testing.T) {
			o := options(fixture)
			o.Token = func() sdk.Secret { return sdk.Secret(tt.token) }
			r := httptest.NewRequest("POST", "/api/v1/reload", strings.NewReader("{}"))
			r.RemoteAddr, r.Host = tt.peer, tt.host
			for name, value := range tt.headers {
				r.Header.Set(name, value)
			}
			w := httptest.NewRecorder()
			newHandler(o).ServeHTTP(w, r)
			if w.Code != tt.code || !strings.Contains(w.Body.String(), strings.ReplaceAll(tt.says, `"`, `\"`)) {
				t.Errorf("%d, want %d: %s", w.Code, tt.code, w.Body)
			}
			if strings.Contains(w.Body.String(), "s3cret") {
				t.Errorf("the token is in the answer: %s", w.Body)
			}
			if (w.Code == 401) != (w.Header().Get("WWW-Authenticate") != "") {
				t.Errorf("WWW-Authenticate is %q", w.Header().Get("WWW-Authenticate"))
			}
		})
	}
}

// TestBodies sends what a request to change something may not hold.
func TestBodies(t *testing.T) {
	tests := []struct {
		name, method, path, body string
		code                     int
		says                     string
	}{
		{"unknown field", "POST", "pause", `{"pipeline": "dr", "partitions": 1}`, 400, `unknown field`},
		{"two values", "POST", "pause", `{"pipeline": "dr"} {}`, 400, "more than one value"},
		{"not JSON", "POST", "resume", `pipeline=dr`, 400, "not what is asked for"},
		{"nothing", "POST", "reload", ``, 400, "send a JSON object"},
		{"too long", "POST", "reload", strings.Repeat(" ", maxBody+1) + "{}", 413, "65536 bytes"},
		{"no pipeline", "POST", "pause", `{}`, 400, "names no pipeline"},
		{"partition without topic", "POST", "pause", `{"pipeline": "dr", "partition": 1}`, 400, "no topic"},
		{"negative partition", "POST", "pause", `{"pipeline": "dr", "topic": "a", "partition": -1}`, 400, "count from 0"},
		{"unknown pipeline", "POST", "resume", `{"pipeline": "d"}`, 404, `it runs [`},
		{"not at hand", "POST", "pause", `{"pipeline": "dr"}`, 503, "just starting"},
		{"a GET", "GET", "pause", ``, 405, "POST is"},
		{"reload", "POST", "reload", `{}`, 200, `"outcome": "updated"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(tt.method, "/api/v1/"+tt.path, strings.NewReader(tt.body))
			r.RemoteAddr, r.Host = "127.0.0.1:5000", "127.0.0.1:9644"
			r.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			newHandler(options(fixture)).ServeHTTP(w, r)
			if w.Code != tt.code || !strings.Contains(w.Body.String(), tt.says) {
				t.Errorf("%d, want %d: %s", w.Code, tt.code, w.Body)
			}
		})
	}
}
