// SPDX-License-Identifier: Apache-2.0

package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/klamm-io/klamm/core/operator"
	"github.com/klamm-io/klamm/sdk"
)

// remote is a running process that is asked over its API.
type remote struct {
	server string
	token  sdk.Secret
}

const (
	remoteTimeout = 2 * time.Minute
	remoteLimit   = 256 << 20 // of an answer
	tokenVariable = "KLAMM_TOKEN"
)

func (r *remote) flags(cmd *cobra.Command, p *Program) {
	cmd.Flags().StringVar(&r.server, "server", "", "ask the running process that serves its API at this `URL`, such as 127.0.0.1:9644")
	cmd.Flags().Func("token", "the token of the server block, for changes; better set in the environment as "+tokenVariable, func(s string) error {
		r.token = sdk.Secret(s)
		return nil
	})
	if token, ok := p.LookupEnv(tokenVariable); ok {
		r.token = sdk.Secret(token)
	}
}

// refuseFiles refuses files beside a server, which has read its own.
func (r *remote) refuseFiles(paths []string, t target) error {
	if len(paths) > 0 || len(t.vars) > 0 {
		return usageError{errors.New("--server asks the process, which has read its files: leave out files and variables")}
	}
	return nil
}

// reports asks for the reports of pipelines; no names are all.
func (r *remote) reports(ctx context.Context, names []string) ([]*operator.Report, error) {
	var got statusList
	if err := r.call(ctx, http.MethodGet, "/api/v1/pipelines", nil, &got); err != nil {
		return nil, err
	}
	for _, name := range names {
		if !slices.ContainsFunc(got.Pipelines, func(p *operator.Report) bool { return p.Pipeline == name }) {
			return nil, usageError{fmt.Errorf("the process at %s runs no pipeline %q", r.server, name)}
		}
	}
	if len(names) > 0 {
		got.Pipelines = slices.DeleteFunc(got.Pipelines, func(p *operator.Report) bool { return !slices.Contains(names, p.Pipeline) })
	}
	var failed []error
	for _, p := range got.Pipelines {
		if p.Error != "" {
			failed = append(failed, errors.New(p.Error))
		}
	}
	return append([]*operator.Report{}, got.Pipelines...), errors.Join(failed...)
}

// call sends a request and decodes its answer. A refusal is an error with the
// server's words.
func (r *remote) call(ctx context.Context, method, path string, body, into any) error {
	base, err := r.base()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, remoteTimeout)
	defer cancel()
	var content io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return err
		}
		content = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, base.JoinPath(path).String(), content)
	if err != nil {
		return err
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
		if r.token != "" {
			req.Header.Set("Authorization", "Bearer "+r.token.Reveal())
		}
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return &sdk.EnvironmentError{Err: fmt.Errorf("asking %s: %w", r.server, err), Fix: "is klamm running there, with --listen or a server block?"}
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, remoteLimit))
	if err != nil {
		return fmt.Errorf("reading the answer of %s: %w", r.server, err)
	}
	return r.read(resp.StatusCode, raw, into)
}

func (r *remote) read(code int, raw []byte, into any) error {
	if code != http.StatusOK {
		var refusal struct {
			Error string `json:"error"`
		}
		if json.Unmarshal(raw, &refusal) != nil || refusal.Error == "" {
			refusal.Error = http.StatusText(code)
		}
		err := fmt.Errorf("%s answers %d: %s", r.server, code, refusal.Error)
		switch code {
		case http.StatusBadRequest, http.StatusNotFound:
			return &operator.RequestError{Err: err}
		case http.StatusUnauthorized, http.StatusForbidden:
			return &sdk.EnvironmentError{Err: err}
		}
		return err
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("%s does not answer as klamm does: %w", r.server, err)
	}
	return nil
}

func (r *remote) base() (*url.URL, error) {
	text := r.server
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, usageError{fmt.Errorf("--server: write the address of a running klamm, such as http://127.0.0.1:9644")}
	}
	return u, nil
}
