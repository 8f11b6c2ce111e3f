// SPDX-License-Identifier: Apache-2.0

package status

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klamm-io/klamm/core/ledger"
	"github.com/klamm-io/klamm/core/runner"
)

// moving returns a bounded pipeline that delivers 100 records of 1 KiB a second,
// of 6000, from now on.
func moving() Snapshot {
	began := time.Now()
	return func() []runner.Status {
		n := int64(time.Since(began).Seconds() * 100)
		return []runner.Status{{
			Pipeline: "replay", State: runner.Running, Started: began, Bounded: true,
			Records: n, Bytes: n << 10, LagRecords: 6000 - n, Batches: ledger.Batches{Encoded: n / 10},
		}}
	}
}

func TestLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}}))
		ctx, cancel := context.WithTimeout(t.Context(), 25*time.Second)
		defer cancel()
		NewLines(log).Run(ctx, moving())
		want := "level=INFO msg=progress pipeline=replay state=running records=1000 records_per_second=100 bytes_per_second=102400 lag_records=5000 lag_seconds=0 batches_encoded=100 batches_decoded=0 eta_seconds=50\n" +
			"level=INFO msg=progress pipeline=replay state=running records=2000 records_per_second=100 bytes_per_second=102400 lag_records=4000 lag_seconds=0 batches_encoded=200 batches_decoded=0 eta_seconds=40\n"
		if out.String() != want {
			t.Errorf("got\n%swant\n%s", out.String(), want)
		}
	})
}

func TestConsole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		screen := NewScreen(&out, func() int { return 100 })
		ctx, cancel := context.WithTimeout(t.Context(), 1200*time.Millisecond)
		defer cancel()
		NewConsole(screen, false).Run(ctx, moving())
		const last = "replay  running           100 records/s  100.0 KiB/s  lag 5,880  ETA 59s\n"
		if !strings.HasSuffix(out.String(), "\x1b[1A\r\x1b[J"+last) {
			t.Errorf("got %q", out.String())
		}
		if n := strings.Count(out.String(), "\n"); n != 4 {
			t.Errorf("drawn %d times, want at 0, 500, 1000 and 1200 ms", n)
		}
	})
}

func TestConsoleSaysWhatIsWrong(t *testing.T) {
	c := NewConsole(NewScreen(io.Discard, func() int { return 0 }), false)
	got := strings.Join(c.lines(time.Now(), fixture()), "\n")
	for _, want := range []string{"  1 of 1 partitions stopped: topic b partition 3: gap", "lag 7 (2s)  99.1% untouched\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	many := make([]runner.Status, 20)
	if got := c.lines(time.Now(), many); got[len(got)-1] != "and 8 more" {
		t.Errorf("20 pipelines end with %q", got[len(got)-1])
	}
}

func TestScreenKeepsLogAndBlockApart(t *testing.T) {
	var out bytes.Buffer
	s := NewScreen(&out, func() int { return 80 })
	s.Draw([]string{"one", "two"})
	fmt.Fprint(s, "half a ")
	fmt.Fprint(s, "line\nand")
	s.Leave()
	s.Draw([]string{"below"})
	want := "one\ntwo\n" + "\x1b[2A\r\x1b[J" + "half a line\n" + "one\ntwo\n" + "below\n"
	if out.String() != want {
		t.Errorf("got %q\nwant %q", out.String(), want)
	}
}

func TestClip(t *testing.T) {
	tests := []struct {
		name, line string
		width      int
		want       string
	}{
		{"fits", "abc", 3, "abc"},
		{"cut", "abcd", 3, "abc"},
		{"no width", "abcd", 0, "abcd"},
		{"runes", "äöüß", 3, "äöü"},
		{"colour takes no room", "\x1b[31mab\x1b[0mcd", 4, "\x1b[31mab\x1b[0mcd"},
		{"colour is ended", "\x1b[31mabcd", 2, "\x1b[31mab\x1b[0m"},
		{"colour is not ended twice", "\x1b[31mab\x1b[0mcd", 3, "\x1b[31mab\x1b[0mc"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := clip(tt.line, tt.width); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestMeter(t *testing.T) {
	began := time.Unix(1000, 0)
	m := NewMeter(5 * time.Second)
	at := func(seconds int, records int64) float64 {
		return m.Observe(began.Add(time.Duration(seconds)*time.Second), &runner.Status{Started: began, Records: records}).Records
	}
	if got := at(0, 0); got != 0 {
		t.Errorf("at once: %v", got)
	}
	if got := at(2, 200); got != 100 {
		t.Errorf("after 2 s: %v", got)
	}
	for s := 3; s <= 20; s++ {
		at(s, 200) // nothing more comes
	}
	if got := at(21, 200); got != 0 {
		t.Errorf("the window does not slide: %v", got)
	}
	if got := at(22, 10); got != 0 {
		t.Errorf("counting anew gave %v", got)
	}
}

func TestSummary(t *testing.T) {
	var out bytes.Buffer
	all := fixture()
	if err := Summary(&out, fixture, all[0].Started.Add(90*time.Second)); err != nil {
		t.Fatal(err)
	}
	want := `dr: running, 30 records, 2.9 KiB in 1m30s
  batches: 99.1% of 2,000 untouched; decoded: 15 gap, 3 cut
central: degraded, 0 records, 0 B in 1m30s
  stopped: topic b partition 3 offsets [5, 9): gap
`
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}
