// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"

	"github.com/klamm-io/klamm/core/status"
)

func metricsPage() string {
	p := newPage("Metrics")
	p.text("Served at `/metrics` in Prometheus' text format, in base units. All are about one process: where several share a\n" +
		"pipeline, sum them. The Go runtime's and the process's own metrics (`go_`, `process_`) are served too.")
	var rows [][]string
	for _, m := range status.Metrics() {
		labels := make([]string, len(m.Labels))
		for i, l := range m.Labels {
			labels[i] = code(l)
		}
		rows = append(rows, []string{code(m.Name), string(m.Type), strings.Join(labels, ", "), prose(m.Help)})
	}
	p.table([]string{"Name", "Type", "Labels", "What it says"}, rows)
	return p.String()
}

func httpPage() string {
	p := newPage("HTTP")
	p.text("A `server` block or `klamm run --listen` serves these. GET is open to whoever reaches the address: bind it to a loopback\n" +
		"address, or to a network that may see topic names and errors. All answers but `/metrics` are JSON; errors have the form\n" +
		"`{\"error\": \"...\"}`.\n\n" +
		"What changes something is a POST of a JSON object with `Content-Type: application/json`. With a `token` in the `server`\n" +
		"block it needs `Authorization: Bearer TOKEN`; without one it is taken from this machine only, under an IP address or\n" +
		"`localhost`, and not through a proxy. Requests of web pages are refused.")
	var rows [][]string
	for _, r := range status.Routes() {
		query := ""
		if r.Query != "" {
			query = code("?" + r.Query + "=NAME")
		}
		rows = append(rows, []string{code(r.Method), code(r.Path), query, prose(r.Doc)})
	}
	p.table([]string{"Method", "Path", "Query", "Answer"}, rows)
	p.text("A name that this process does not run is answered with 404. Fields are only added to these answers, never removed or\n" +
		"given another meaning.")
	return p.String()
}
