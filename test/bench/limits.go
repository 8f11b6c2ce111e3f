// SPDX-License-Identifier: Apache-2.0

package main

import "fmt"

// What Klamm is held to. All are ratios of two engines in one run of the
// command, but for memory.
const (
	mostOfFloor       = 2.5
	mostOfLoopLatency = 0.5
	mostMiB           = 200 // at full speed
	mostMiBStalled    = 256 // the default of `memory`

	leastOverDefault   = 15.0 // small batches over the link
	leastOverBestSmall = 1.5
	leastOverBestLarge = 3.0
	leastOverLoopAlone = 1.0 // one partition
	smallBatchKiB      = 16
)

// leastOverLoop is how many times Klamm's CPU the loop needs, by codec;
// leastOverMirrorMaker is the same for a warm MirrorMaker 2, the better of the
// two.
func leastOverLoop() map[string]float64 {
	return map[string]float64{"zstd": 15, "gzip": 15, "lz4": 9, "snappy": 6, "none": 1.6}
}

func leastOverMirrorMaker() map[string]float64 {
	return map[string]float64{"zstd": 25, "lz4": 14, "none": 8}
}

// limit is one thing Klamm is held to, and whether it holds.
type limit struct {
	What  string  `json:"what"`
	Least float64 `json:"least,omitempty"`
	Most  float64 `json:"most,omitempty"`
	Got   float64 `json:"got"`
	Holds bool    `json:"holds"`
}

func atLeast(what string, least, got float64) limit {
	return limit{What: what, Least: least, Got: got, Holds: got >= least}
}

func atMost(what string, most, got float64) limit {
	return limit{What: what, Most: most, Got: got, Holds: got <= most}
}

// check compares what was measured; of what was not there is no limit.
func (r *results) check() []limit {
	var all []limit
	for i := range r.CPU {
		all = append(all, r.CPU[i].check()...)
	}
	if peak := r.peakMiB(); peak > 0 {
		all = append(all, atMost("peak memory at full speed, MiB", mostMiB, peak))
	}
	for i := range r.Link {
		all = append(all, r.Link[i].check()...)
	}
	return append(append(all, r.checkLatency()...), r.checkIdle()...)
}

// largeBatches: limits of CPU are for batches that are worth their requests.
func (c *cpuCell) largeBatches() bool { return c.BatchKiB > smallBatchKiB }

func (c *cpuCell) check() []limit {
	if !c.largeBatches() {
		return nil
	}
	var all []limit
	over := func(peer string, least float64) {
		if got := ratio(c.Runs, peer, klammEngine, cpuOf); got > 0 && least > 0 {
			all = append(all, atLeast(fmt.Sprintf("CPU per GiB of %s over Klamm's, %s, %d KiB", peer, c.Codec, c.BatchKiB), least, got))
		}
	}
	over(loopEngine, leastOverLoop()[c.Codec])
	over(tunedEngine, leastOverMirrorMaker()[c.Codec])
	over(defaultEngine, leastOverMirrorMaker()[c.Codec])
	if got := ratio(c.Runs, klammEngine, floorEngine, cpuOf); got > 0 {
		all = append(all, atMost(fmt.Sprintf("Klamm's CPU per GiB over the floor's, %s, %d KiB", c.Codec, c.BatchKiB), mostOfFloor, got))
	}
	return all
}

// peakMiB is the most memory that Klamm took in any run.
func (r *results) peakMiB() float64 {
	most := 0.0
	for _, c := range r.CPU {
		for _, f := range c.Runs[klammEngine] {
			most = max(most, f.RSSMiB)
		}
	}
	return most
}

// check holds only the link before the target to something; the other place
// is there to be seen.
func (c *linkCell) check() []limit {
	if c.Before != "target" {
		return nil
	}
	var all []limit
	over := func(peer string, least float64) {
		if got := ratio(c.Runs, klammEngine, peer, rateOf); got > 0 {
			all = append(all, atLeast(fmt.Sprintf("MiB/s over the link of Klamm over %s's, %d partitions, %d KiB", peer, c.Partitions, c.BatchKiB), least, got))
		}
	}
	switch {
	case c.Partitions == 1:
		over(loopEngine, leastOverLoopAlone)
	case c.BatchKiB <= smallBatchKiB:
		over(defaultEngine, leastOverDefault)
		over(loopEngine, leastOverBestSmall)
		over(tunedEngine, leastOverBestSmall)
	default:
		over(loopEngine, leastOverBestLarge)
		over(tunedEngine, leastOverBestLarge)
	}
	return all
}

func (r *results) checkLatency() []limit {
	row := map[string]latencyRow{}
	for _, l := range r.Latency {
		row[l.Engine] = l
	}
	klamm, loop := row[klammEngine], row[loopEngine]
	if klamm.Records == 0 || loop.Records == 0 {
		return nil
	}
	return []limit{
		atMost("Klamm's p50 latency over the loop's", mostOfLoopLatency, klamm.P50/loop.P50),
		atMost("Klamm's p99 latency over the loop's", mostOfLoopLatency, klamm.P99/loop.P99),
	}
}

func (r *results) checkIdle() []limit {
	for _, row := range r.Idle {
		if row.Engine == klammEngine {
			what := fmt.Sprintf("peak memory with %d partitions, a backlog and a stalled target, MiB", row.Partitions)
			return []limit{atMost(what, mostMiBStalled, row.StalledRSSMiB)}
		}
	}
	return nil
}

func (r *results) broken() []limit {
	var broken []limit
	for _, l := range r.Limits {
		if !l.Holds {
			broken = append(broken, l)
		}
	}
	return broken
}
