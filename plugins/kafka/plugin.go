// SPDX-License-Identifier: Apache-2.0

// Package kafka reads from and writes to Apache Kafka.
package kafka

import "github.com/klamm-io/klamm/sdk"

// Plugin is the plugin "kafka".
func Plugin() sdk.Plugin {
	return sdk.Plugin{
		Name:    "kafka",
		Summary: "Reads from and writes to Apache Kafka.",
		Source:  newSourceConfig,
		Sink:    newSinkConfig,
	}
}
