package docker

import (
	"slices"
	"strings"

	"github.com/docker/docker/api/types/image"

	"plimsoll/scanners"
)

// alignHistory turns the API's history, newest first and without a mark for steps that made no layer, into one step per
// layer. A step with bytes made a layer. Of those without, RUN, COPY and ADD make one more likely than WORKDIR, and the
// others never do; the widest reading that gives exactly as many layers as there are is taken, and none if none does.
func alignHistory(items []image.HistoryResponseItem, layers int) []scanners.HistoryEntry {
	for _, likelihood := range []int{0, 1, 2} {
		var steps []scanners.HistoryEntry
		for _, item := range slices.Backward(items) {
			if item.Size > 0 || unlikelihood(item.CreatedBy) <= likelihood-1 {
				steps = append(steps, scanners.HistoryEntry{CreatedBy: item.CreatedBy, Comment: item.Comment})
			}
		}
		if len(steps) == layers {
			return steps
		}
	}
	return nil
}

// unlikelihood ranks how far a step without bytes is from having made a layer.
func unlikelihood(createdBy string) int {
	text := strings.TrimPrefix(createdBy, "/bin/sh -c ")
	nop := strings.HasPrefix(text, "#(nop)")
	word, _, _ := strings.Cut(strings.TrimSpace(strings.TrimPrefix(text, "#(nop)")), " ")
	switch word {
	case "ENV", "CMD", "ENTRYPOINT", "LABEL", "EXPOSE", "USER", "ARG", "ONBUILD", "STOPSIGNAL", "HEALTHCHECK", "SHELL", "MAINTAINER", "VOLUME":
		return 3
	case "WORKDIR":
		return 1
	case "COPY", "ADD", "RUN":
		return 0
	}
	if nop {
		return 3
	}
	return 0
}
