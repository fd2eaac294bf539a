package main

import (
	"fmt"
	"slices"
	"strings"
)

// table shows the results as Markdown, a row a way.
func table(ways []way, results []result) string {
	var b strings.Builder
	b.WriteString("| way | wall | CPU | peak memory | times ours: wall | CPU | memory |\n")
	b.WriteString("|---|---:|---:|---:|---:|---:|---:|\n")
	for i, w := range ways {
		if results[i].err != nil {
			fmt.Fprintf(&b, "| %s | not measured: %s | | | | | |\n", w.name, cell(results[i].err.Error()))
			continue
		}
		ours := reference(ways, results, w.against)
		samples := results[i].samples
		fmt.Fprintf(&b, "| %s | %.3f s | %.3f s | %s | %s | %s | %s |\n", w.name,
			median(values(samples, wall)), median(values(samples, cpu)), megabytes(median(values(samples, memory))),
			times(samples, ours, wall), times(samples, ours, cpu), times(samples, ours, memory))
	}
	return b.String()
}

// reference are the samples of the way that is compared with; none when it was not measured.
func reference(ways []way, results []result, name string) []sample {
	for i, w := range ways {
		if w.name == name {
			return results[i].samples
		}
	}
	return nil
}

// The three things that are measured, in seconds and bytes.
func wall(s sample) float64   { return s.wall.Seconds() }
func cpu(s sample) float64    { return s.cpu.Seconds() }
func memory(s sample) float64 { return float64(s.peak) }

func values(samples []sample, of func(sample) float64) []float64 {
	list := make([]float64, len(samples))
	for i, s := range samples {
		list[i] = of(s)
	}
	return list
}

// times is the median of the ratios to ours, each within one round; a dash when there is nothing to compare.
func times(samples, ours []sample, of func(sample) float64) string {
	var ratios []float64
	for i := range min(len(samples), len(ours)) {
		if base := of(ours[i]); base > 0 {
			ratios = append(ratios, of(samples[i])/base)
		}
	}
	if len(ratios) == 0 || median(ratios) == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f×", median(ratios))
}

// median is the value in the middle, or halfway between the two in the middle; 0 of nothing.
func median(list []float64) float64 {
	sorted := slices.Sorted(slices.Values(list))
	n := len(sorted)
	switch {
	case n == 0:
		return 0
	case n%2 == 1:
		return sorted[n/2]
	default:
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
}

func megabytes(bytes float64) string {
	if bytes == 0 {
		return "unknown"
	}
	return fmt.Sprintf("%.0f MB", bytes/1e6)
}

// cell keeps text from ending a table's cell.
func cell(text string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(text, "|", "/")), " ")
}
