package images

import (
	"slices"

	"plimsoll/scanners"
)

const edgeApp = "srv/edge"

// edge is a gateway on Alpine 3.18, made when the release was young and patched in part.
func edge() recipe {
	r := recipe{
		reference:    "sample/edge:1",
		platform:     scanners.Platform{OS: "linux", Architecture: "amd64"},
		distribution: scanners.Distribution{ID: "alpine", Version: "3.18", Name: "Alpine Linux v3.18"},
		created:      "2024-01-16T14:00:00Z",
		environment:  []string{"PATH=/usr/local/bin:/usr/bin:/bin"},
		command:      []string{"/srv/edge/bin/gateway"},
	}
	release := r.distribution
	release.Version = "3.18.3" // the point release that it was made from

	system, added := edgeSystem(), edgeAdded()
	r.add(base("alpine-minirootfs.tar.gz", apkDatabase(system).add(tree{
		"etc/os-release":       osRelease(release, "https://alpinelinux.org/"),
		"etc/apk/repositories": text("https://dl-cdn.alpinelinux.org/alpine/v3.18/main\nhttps://dl-cdn.alpinelinux.org/alpine/v3.18/community\n"),
	})), facts(system))
	r.add(setting(`CMD ["/bin/sh"]`))

	installed := slices.Concat(system, added)
	r.add(run("apk add --no-cache curl py3-requests && pip install aiohttp tornado",
		apkDatabase(installed).add(distFiles(edgeDists())), gzipped), facts(added), facts(edgeDists()))

	modules := slices.Concat(edgeModules(), edgeDropped())
	r.add(copied("edge /srv/edge", edgeProgram().files("amd64").add(moduleFiles(modules)), zstandard),
		facts(modules), edgeProgram().facts())

	upgrades := edgeUpgrades()
	kept := slices.DeleteFunc(slices.Clone(installed), func(a apk) bool { return a.origin == "openssl" })
	replaced := slices.DeleteFunc(slices.Clone(installed), func(a apk) bool { return a.origin != "openssl" })
	r.add(run("apk upgrade --no-cache libcrypto3 libssl3 && rm -r /srv/edge/node_modules/request",
		apkDatabase(slices.Concat(kept, upgrades)).add(tree{edgeApp + "/node_modules/" + whiteout + "request": {}}), gzipped),
		facts(upgrades))
	r.hide(slices.Concat(facts(replaced), facts(edgeDropped())))
	r.add(setting(`CMD ["/srv/edge/bin/gateway"]`))
	return r
}

// edgeSystem is Alpine's minimal root file system as it was in August 2023.
func edgeSystem() []apk {
	return []apk{
		{name: "alpine-baselayout", version: "3.4.3-r1", origin: "alpine-baselayout", license: "GPL-2.0-only"},
		{name: "alpine-baselayout-data", version: "3.4.3-r1", origin: "alpine-baselayout", license: "GPL-2.0-only"},
		{name: "alpine-keys", version: "2.4-r1", origin: "alpine-keys", license: "MIT"},
		{name: "apk-tools", version: "2.14.0-r2", origin: "apk-tools", license: "GPL-2.0-only", files: []string{"sbin/apk"}},
		{name: "busybox", version: "1.36.1-r2", origin: "busybox", license: "GPL-2.0-only", files: []string{"bin/busybox"}},
		{name: "busybox-binsh", version: "1.36.1-r2", origin: "busybox", license: "GPL-2.0-only", files: []string{"bin/sh"}},
		{name: "ca-certificates-bundle", version: "20230506-r0", origin: "ca-certificates", license: "MPL-2.0 AND MIT"},
		{name: "libc-utils", version: "0.7.2-r5", origin: "libc-dev", license: "BSD-2-Clause AND BSD-3-Clause"},
		{name: "libcrypto3", version: "3.1.2-r0", origin: "openssl", license: "Apache-2.0", files: []string{"lib/libcrypto.so.3"}},
		{name: "libssl3", version: "3.1.2-r0", origin: "openssl", license: "Apache-2.0", files: []string{"lib/libssl.so.3"}},
		{name: "musl", version: "1.2.4-r1", origin: "musl", license: "MIT", files: []string{"lib/ld-musl-x86_64.so.1"}},
		{name: "musl-utils", version: "1.2.4-r1", origin: "musl", license: "MIT AND BSD-2-Clause AND GPL-2.0-or-later"},
		{name: "scanelf", version: "1.3.7-r1", origin: "pax-utils", license: "GPL-2.0-only", files: []string{"usr/bin/scanelf"}},
		{name: "ssl_client", version: "1.36.1-r2", origin: "busybox", license: "GPL-2.0-only", files: []string{"usr/bin/ssl_client"}},
		{name: "zlib", version: "1.2.13-r1", origin: "zlib", license: "Zlib", files: []string{"lib/libz.so.1.2.13"}},
	}
}

func edgeAdded() []apk {
	return []apk{
		{name: "curl", version: "8.2.1-r0", origin: "curl", license: "curl", files: []string{"usr/bin/curl"}},
		{name: "libcurl", version: "8.2.1-r0", origin: "curl", license: "curl", files: []string{"usr/lib/libcurl.so.4.8.0"}},
		{name: "libexpat", version: "2.5.0-r1", origin: "expat", license: "MIT", files: []string{"usr/lib/libexpat.so.1.8.10"}},
		{name: "nghttp2-libs", version: "1.55.1-r0", origin: "nghttp2", license: "MIT", files: []string{"usr/lib/libnghttp2.so.14.24.3"}},
		{name: "py3-requests", version: "2.29.0-r0", origin: "py3-requests", license: "Apache-2.0", files: []string{alpineRequests().metadata()}},
		{name: "python3", version: "3.11.5-r0", origin: "python3", license: "PSF-2.0", files: []string{"usr/bin/python3.11"}},
		{name: "sqlite-libs", version: "3.41.2-r2", origin: "sqlite", license: "blessing", files: []string{"usr/lib/libsqlite3.so.0.8.6"}},
	}
}

// edgeUpgrades is the one fix that the image's makers took over.
func edgeUpgrades() []apk {
	return []apk{
		{name: "libcrypto3", version: "3.1.4-r0", origin: "openssl", license: "Apache-2.0", files: []string{"lib/libcrypto.so.3"}},
		{name: "libssl3", version: "3.1.4-r0", origin: "openssl", license: "Apache-2.0", files: []string{"lib/libssl.so.3"}},
	}
}

// alpineRequests belongs to py3-requests.
func alpineRequests() dist {
	return dist{name: "requests", version: "2.29.0", license: "Apache-2.0", dir: "usr/lib/python3.11/site-packages", ownedBy: "py3-requests"}
}

func edgeDists() []dist {
	const dir = "usr/local/lib/python3.11/site-packages"
	return []dist{
		alpineRequests(),
		{name: "aiohttp", version: "3.8.5", license: "Apache-2.0", dir: dir},
		{name: "idna", version: "3.4", license: "BSD-3-Clause", dir: dir},
		{name: "tornado", version: "6.3.1", license: "Apache-2.0", dir: dir},
	}
}

func edgeModules() []module {
	app := func(name, version string) module { return npm(edgeApp, name, version, "MIT") }
	return []module{app("braces", "3.0.2"), app("node-fetch", "2.6.1"), app("undici", "5.8.0"), app("word-wrap", "1.2.3")}
}

// edgeDropped is deleted by the last layer.
func edgeDropped() []module {
	return []module{npm(edgeApp, "request", "2.88.2", "Apache-2.0")}
}

func edgeProgram() program {
	return program{
		path: edgeApp + "/bin/gateway", goVersion: "1.21.2", main: goModule{"example.com/edge/gateway", "v0.9.0"},
		deps: []goModule{
			{"github.com/golang-jwt/jwt/v4", "v4.5.0"},
			{"golang.org/x/net", "v0.15.0"},
			{"google.golang.org/grpc", "v1.57.0"},
			{"gopkg.in/yaml.v3", "v3.0.1"},
		},
	}
}
