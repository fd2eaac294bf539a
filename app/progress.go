package app

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/docker/go-units"

	"plimsoll/scanners/assess"
)

// showProgress tells how far a run is: a line that renews itself on a terminal, and one line at the end elsewhere. The
// function that it gives ends it.
func showProgress(w io.Writer, now func() assess.Progress, quiet bool) (stop func()) {
	if quiet {
		return func() {}
	}
	started := time.Now()
	columns, live := terminal(w)
	done := make(chan struct{})
	var running sync.WaitGroup
	if live {
		running.Go(func() {
			tick := time.NewTicker(100 * time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-tick.C:
					fmt.Fprintf(w, "\r\x1b[K%s", clip(progressLine(now(), time.Since(started)), columns-1))
				case <-done:
					return
				}
			}
		})
	}
	return func() {
		close(done)
		running.Wait()
		if live {
			fmt.Fprint(w, "\r\x1b[K")
		}
		fmt.Fprintln(w, progressLine(now(), time.Since(started)))
	}
}

// progressLine is "2 of 3 images · 14 layers read, 8 known · 1.2GB at 820MB/s · 1.5s".
func progressLine(p assess.Progress, elapsed time.Duration) string {
	line := ""
	if p.Images > 1 {
		line = fmt.Sprintf("%d of %d images · ", p.ImagesDone, p.Images)
	}
	layers := "layers"
	if p.Layers == 1 {
		layers = "layer"
	}
	line += fmt.Sprintf("%d %s read, %d known · %s", p.Layers, layers, p.LayersKnown, units.HumanSize(float64(p.Bytes)))
	if seconds := elapsed.Seconds(); p.Bytes > 0 && seconds > 0 {
		line += fmt.Sprintf(" at %s/s", units.HumanSize(float64(p.Bytes)/seconds))
	}
	return line + " · " + elapsed.Round(10*time.Millisecond).String()
}

// clip cuts a line to so many columns: one that wraps could not be renewed.
func clip(line string, columns int) string {
	if runes := []rune(line); len(runes) > columns {
		return string(runes[:max(columns, 0)])
	}
	return line
}
