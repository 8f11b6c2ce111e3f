// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
)

// freePorts finds n ports nobody listens on. They lie below the range that
// systems take the ports of outgoing connections from: a restarted broker
// finds its port free, however many connections were made meanwhile. They are
// drawn at random because other runs do the same.
func freePorts(n int) ([]int, error) {
	const first, last, attempts = 12000, 32000, 1000
	ports := make([]int, 0, n)
	var held []net.Listener
	defer func() {
		for _, l := range held {
			_ = l.Close()
		}
	}()
	for range attempts {
		if len(ports) == n {
			return ports, nil
		}
		port := first + rand.IntN(last-first)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		held = append(held, l)
		ports = append(ports, port)
	}
	return nil, errors.New("finding free ports: none left")
}
