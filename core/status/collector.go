// SPDX-License-Identifier: Apache-2.0

package status

import (
	"runtime"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/klamm-io/klamm/core/config"
	"github.com/klamm-io/klamm/core/runner"
)

// collector turns a snapshot into metrics each time it is scraped.
type collector struct {
	snapshot Snapshot
	reloads  func() Reloads
	version  string
	metrics  map[string]metricDesc
}

type metricDesc struct {
	desc  *prometheus.Desc
	value prometheus.ValueType
}

func newCollector(snapshot Snapshot, reloads func() Reloads, version string) *collector {
	c := &collector{snapshot: snapshot, reloads: reloads, version: version, metrics: map[string]metricDesc{}}
	for _, m := range Metrics() {
		d := metricDesc{desc: prometheus.NewDesc(m.Name, m.Help, m.Labels, nil), value: prometheus.GaugeValue}
		if m.Type == Counter {
			d.value = prometheus.CounterValue
		}
		c.metrics[m.Name] = d
	}
	return c
}

// Describe implements [prometheus.Collector].
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, m := range c.metrics {
		ch <- m.desc
	}
}

// Collect implements [prometheus.Collector].
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	emit := func(name string, value float64, labels ...string) {
		m := c.metrics[name]
		ch <- prometheus.MustNewConstMetric(m.desc, m.value, value, labels...)
	}
	for _, s := range c.snapshot() {
		emitPipeline(&s, emit)
		emitPartitions(&s, emit)
		for topic, total := range s.Topics {
			emit(recordsTotal, float64(total.Records), s.Pipeline, topic)
			emit(bytesTotal, float64(total.Bytes), s.Pipeline, topic)
			emit(batchesTotal, float64(total.Batches.Encoded), s.Pipeline, topic, "encoded", "")
			for reason, n := range total.Batches.Decoded {
				emit(batchesTotal, float64(n), s.Pipeline, topic, "decoded", reason)
			}
			emitPassedOver(s.Pipeline, topic, total, emit)
		}
		ch <- c.latency(&s)
	}
	r := c.reloads()
	emit(configReloads, float64(r.Succeeded), "success")
	emit(configReloads, float64(r.Failed), "failure")
	emit(configReloadOK, truth(!r.LastFailed))
	emit(configReloadTime, float64(r.LastSuccess.UnixMilli())/1000)
	emit(buildInfo, 1, c.version, runtime.Version())
}

type emitter func(name string, value float64, labels ...string)

func emitPipeline(s *runner.Status, emit emitter) {
	for _, state := range states() {
		emit(pipelineState, truth(s.State == state), s.Pipeline, string(state))
	}
	if !s.Started.IsZero() {
		emit(pipelineStart, float64(s.Started.UnixMilli())/1000, s.Pipeline)
	}
	emit(lanesOwned, float64(s.LanesOwned), s.Pipeline)
	emit(laneCount, float64(s.LanesTotal), s.Pipeline)
	emit(controlOwned, truth(s.ControlOwned), s.Pipeline)
	emit(laneRestarts, float64(s.LaneRestarts), s.Pipeline)
	emit(gapsTotal, float64(s.Gaps), s.Pipeline)
	emit(memoryBytes, float64(s.MemoryBytes), s.Pipeline)
	emit(memoryLimit, float64(s.MemoryLimit), s.Pipeline)
}

func emitPassedOver(pipeline, topic string, total runner.Total, emit emitter) {
	for stage, n := range total.Dropped {
		emit(droppedTotal, float64(n), pipeline, topic, stage)
	}
	for stage, n := range total.Rejected {
		emit(rejectedTotal, float64(n), pipeline, topic, stage, config.OnRejectDrop)
	}
	for stage, n := range total.DeadLetters {
		emit(rejectedTotal, float64(n), pipeline, topic, stage, config.OnRejectDeadLetter)
	}
}

func emitPartitions(s *runner.Status, emit emitter) {
	type lag struct {
		records int64
		known   bool
		seconds float64
	}
	lags := map[string]lag{}
	counts := map[runner.State]int{}
	for i := range s.Partitions {
		p := &s.Partitions[i]
		counts[p.State]++
		if p.Reason != "" {
			emit(partitionStopped, 1, s.Pipeline, p.Topic, strconv.Itoa(int(p.Partition)), string(p.Reason))
		}
		l := lags[p.Topic]
		if p.LagRecords >= 0 {
			l.records, l.known = l.records+p.LagRecords, true
		}
		l.seconds = max(l.seconds, p.LagSeconds)
		lags[p.Topic] = l
	}
	for topic, l := range lags {
		if l.known {
			emit(lagRecords, float64(l.records), s.Pipeline, topic)
			emit(lagSeconds, l.seconds, s.Pipeline, topic)
		}
	}
	for _, state := range states() {
		emit(partitionCount, float64(counts[state]), s.Pipeline, string(state))
	}
}

func (c *collector) latency(s *runner.Status) prometheus.Metric {
	buckets := make(map[float64]uint64, len(runner.LatencyBounds))
	var count uint64
	for i, bound := range runner.LatencyBounds {
		count += s.Latency.Counts[i]
		buckets[bound] = count
	}
	count += s.Latency.Counts[len(runner.LatencyBounds)]
	return prometheus.MustNewConstHistogram(c.metrics[replicationLatency].desc, count, s.Latency.Sum, buckets, s.Pipeline)
}

func states() []runner.State {
	return []runner.State{
		runner.Starting, runner.Running, runner.Degraded, runner.Retrying, runner.Paused, runner.Idle, runner.Draining,
		runner.Stopped, runner.Done, runner.Failed,
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
