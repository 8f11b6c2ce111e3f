// SPDX-License-Identifier: Apache-2.0

// Package kafka starts real Apache Kafka brokers (KRaft) for tests, without
// containers. It needs a JDK 17 or newer and Maven, on Linux or macOS.
//
// Most tests share two clusters for a whole run:
//
//	func TestMain(m *testing.M) { kafka.Main(m) }
//
//	func TestMirror(t *testing.T) {
//		east, west := kafka.Clusters(t)
//		...
//	}
//
// The command with-kafka starts the two once for several test binaries:
//
//	go run ./test/kafka/cmd/with-kafka -- go test ./...
//
// Without it every test binary whose TestMain calls [Main] starts its own.
// Tests that kill brokers or break connections, or need security, another
// version or special broker settings, get a cluster of their own from [Start].
//
// Jars and a class-data archive are kept in $KLAMM_TEST_CACHE, by default
// klamm-test in the user's cache directory. Brokers die with the process that
// started them, however it ends.
package kafka
