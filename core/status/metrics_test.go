// SPDX-License-Identifier: Apache-2.0

package status

import (
	"regexp"
	"strings"
	"testing"
)

func TestMetricsAreScraped(t *testing.T) {
	_, body, _ := request(t, "GET", serve(t, fixture)+"/metrics")
	for _, m := range Metrics() {
		if !strings.Contains(body, "# TYPE "+m.Name+" "+string(m.Type)+"\n") {
			t.Errorf("%s is documented and not served as a %s", m.Name, m.Type)
		}
	}
	documented := map[string]bool{}
	for _, m := range Metrics() {
		documented[m.Name] = true
	}
	for _, found := range regexp.MustCompile(`(?m)^# TYPE (klamm_\w+)`).FindAllStringSubmatch(body, -1) {
		if !documented[found[1]] {
			t.Errorf("%s is served and not documented", found[1])
		}
	}
	for _, want := range []string{
		`klamm_records_total{pipeline="dr",topic="orders"} 30`,
		`klamm_bytes_total{pipeline="dr",topic="orders"} 3000`,
		`klamm_batches_total{path="encoded",pipeline="dr",reason="",topic="orders"} 1982`,
		`klamm_batches_total{path="decoded",pipeline="dr",reason="gap",topic="orders"} 15`,
		`klamm_batches_total{path="decoded",pipeline="dr",reason="cut",topic="orders"} 3`,
		`klamm_records_dropped_total{pipeline="dr",stage="filter",topic="orders"} 11`,
		`klamm_records_rejected_total{action="drop",pipeline="dr",stage="set#2",topic="orders"} 12`,
		`klamm_records_rejected_total{action="dead_letter",pipeline="dr",stage="route",topic="orders"} 13`,
		`klamm_lag_records{pipeline="dr",topic="orders"} 7`,
		`klamm_lag_seconds{pipeline="dr",topic="orders"} 1.5`,
		`klamm_partition_stopped{partition="3",pipeline="central",reason="gap",topic="b"} 1`,
		`klamm_partitions{pipeline="dr",state="running"} 2`,
		`klamm_pipeline_state{pipeline="dr",state="running"} 1`,
		`klamm_pipeline_state{pipeline="dr",state="degraded"} 0`,
		`klamm_lane_restarts_total{pipeline="dr"} 2`,
		`klamm_memory_limit_bytes{pipeline="dr"} 1000`,
		`klamm_replication_latency_seconds_bucket{pipeline="dr",le="0.005"} 3`,
		`klamm_replication_latency_seconds_bucket{pipeline="dr",le="0.025"} 4`,
		`klamm_replication_latency_seconds_count{pipeline="dr"} 4`,
		`klamm_gaps_total{pipeline="dr"} 6`,
		`klamm_config_reloads_total{result="success"} 3`,
		`klamm_config_reloads_total{result="failure"} 2`,
		`klamm_config_last_reload_successful 0`,
		`klamm_config_last_reload_success_timestamp_seconds 1000`,
		`klamm_build_info{go_version="`,
		`go_goroutines `,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the scrape lacks %s", want)
		}
	}
	if unwanted := `klamm_lag_records{pipeline="dr",topic="new"}`; strings.Contains(body, unwanted) {
		t.Errorf("a lag that is not known is served as one: %s", unwanted)
	}
}

func TestMetricNames(t *testing.T) {
	for _, m := range Metrics() {
		if !strings.HasPrefix(m.Name, "klamm_") || m.Help == "" {
			t.Errorf("%s: wants the prefix klamm_ and a help text", m.Name)
		}
		if strings.HasSuffix(m.Name, "_total") != (m.Type == Counter) {
			t.Errorf("%s: counters, and only they, end in _total", m.Name)
		}
	}
}
