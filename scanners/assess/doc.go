// Package assess plans an assessment and runs it in a bounded worker pool: connect → judge → findings and coverage.
//
// [Assessor.Images] takes sources of images and gives one report. Each layer is analysed once, however many images and
// sources share it and whether they come at the same time or in different runs: [layers] is the [scanners.LayerSink]
// that the sources hand their layers to. What can't be read is coverage in the report, never an end of the run; a
// context that ends leaves a report of what was found until then.
package assess
