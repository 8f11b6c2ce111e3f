// SPDX-License-Identifier: Apache-2.0

package status

// MetricType is how a metric behaves over time.
type MetricType string

// The types of metrics.
const (
	Counter   MetricType = "counter"
	Gauge     MetricType = "gauge"
	Histogram MetricType = "histogram"
)

// Metric describes one metric of /metrics.
type Metric struct {
	Name   string
	Type   MetricType
	Help   string
	Labels []string
}

const (
	recordsTotal       = "klamm_records_total"
	bytesTotal         = "klamm_bytes_total"
	batchesTotal       = "klamm_batches_total"
	droppedTotal       = "klamm_records_dropped_total"
	rejectedTotal      = "klamm_records_rejected_total"
	lagRecords         = "klamm_lag_records"
	lagSeconds         = "klamm_lag_seconds"
	partitionStopped   = "klamm_partition_stopped"
	partitionCount     = "klamm_partitions"
	pipelineState      = "klamm_pipeline_state"
	pipelineStart      = "klamm_pipeline_start_time_seconds"
	lanesOwned         = "klamm_lanes_owned"
	laneCount          = "klamm_lanes"
	controlOwned       = "klamm_control_owned"
	laneRestarts       = "klamm_lane_restarts_total"
	memoryBytes        = "klamm_memory_bytes"
	memoryLimit        = "klamm_memory_limit_bytes"
	replicationLatency = "klamm_replication_latency_seconds"
	gapsTotal          = "klamm_gaps_total"
	configReloads      = "klamm_config_reloads_total"
	configReloadOK     = "klamm_config_last_reload_successful"
	configReloadTime   = "klamm_config_last_reload_success_timestamp_seconds"
	buildInfo          = "klamm_build_info"
)

// Metrics lists what /metrics serves beside the metrics of the Go runtime and
// the process. All are about this process: with several processes on one
// pipeline, sum them.
func Metrics() []Metric {
	pipeline := []string{"pipeline"}
	topic := []string{"pipeline", "topic"}
	return []Metric{
		{recordsTotal, Counter, "Records delivered, by source topic.", topic},
		{bytesTotal, Counter, "Bytes delivered, as they were read (compressed), by source topic.", topic},
		{batchesTotal, Counter, "Batches delivered, by source topic and path: encoded went through as they were read, decoded did not, for the reason given (it is empty for encoded).", []string{"pipeline", "topic", "path", "reason"}},
		{droppedTotal, Counter, "Records that a transform dropped, as the file asks, by source topic and transform.", []string{"pipeline", "topic", "stage"}},
		{rejectedTotal, Counter, "Records that a transform rejected and that were passed over, by source topic, transform and what became of them (on_reject): drop or dead_letter. One that stops its partition is not counted here, but by klamm_partition_stopped.", []string{"pipeline", "topic", "stage", "action"}},
		{lagRecords, Gauge, "Offsets between what is delivered and the end of the source, over the partitions where both are known.", topic},
		{lagSeconds, Gauge, "Age of the oldest record not yet delivered; the worst partition.", topic},
		{replicationLatency, Histogram, "Time from the timestamp of a batch's newest record to its delivery.", pipeline},
		{partitionStopped, Gauge, "1 for every partition that an error has stopped; absent otherwise.", []string{"pipeline", "topic", "partition", "reason"}},
		{partitionCount, Gauge, "Partitions in this process, by state.", []string{"pipeline", "state"}},
		{pipelineState, Gauge, "1 for the state the pipeline is in, 0 for the others.", []string{"pipeline", "state"}},
		{pipelineStart, Gauge, "When the pipeline was started in this process, in seconds since the epoch.", pipeline},
		{lanesOwned, Gauge, "Lanes this process owns, without the control lane.", pipeline},
		{laneCount, Gauge, "Lanes of the pipeline over all processes, without the control lane.", pipeline},
		{controlOwned, Gauge, "1 if this process owns the pipeline's control lane. The sum over all processes is 1.", pipeline},
		{laneRestarts, Counter, "Lanes started again after a failure.", pipeline},
		{memoryBytes, Gauge, "Bytes of records held now.", pipeline},
		{memoryLimit, Gauge, "Bytes of records that may be held.", pipeline},
		{gapsTotal, Counter, "Losses passed over since start, each written down as a gap (see klamm gaps).", pipeline},
		{configReloads, Counter, "Reloads of the files, by result: success or failure.", []string{"result"}},
		{configReloadOK, Gauge, "1 if the last reload succeeded, or there was none.", nil},
		{configReloadTime, Gauge, "When the files were last taken over, in seconds since the epoch.", nil},
		{buildInfo, Gauge, "1, with the version in its labels.", []string{"version", "go_version"}},
	}
}
