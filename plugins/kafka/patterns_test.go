// SPDX-License-Identifier: Apache-2.0

package kafka

import (
	"strings"
	"testing"
)

// TestEveryWrongPatternIsReported: each one, and at its place.
func TestEveryWrongPatternIsReported(t *testing.T) {
	tests := []struct{ topics, want string }{
		{"orders.* !*.internal /a|b/", ""},
		{"/a(/ orders ![z a+b /b(/", "topics[0] topics[2] topics[3] topics[4]"},
		{"orders !", "topics[1]"},
		{"!orders !payments", "topics[0]"},
		{"!orders !a+b", "topics[1]"},
		{"", "topics"},
	}
	for _, tt := range tests {
		t.Run(tt.topics, func(t *testing.T) {
			c := newSourceConfig().(*SourceConfig)
			c.Topics = strings.Fields(tt.topics)
			var got []string
			for _, bad := range c.Validate() {
				got = append(got, bad.Path)
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
