package images

import (
	"path"
	"slices"

	"plimsoll/scanners"
)

// Folders of the shop image.
const (
	shopApp     = "srv/shop"
	shopPlugins = "srv/shop/plugins"
)

// shop is a web shop on Debian 12, made when the release was young and patched in part.
func shop(platform scanners.Platform) recipe {
	arch := platform.Architecture
	r := recipe{
		reference:    "sample/shop:1",
		platform:     platform,
		distribution: scanners.Distribution{ID: "debian", Version: "12", Name: "Debian GNU/Linux 12 (bookworm)"},
		created:      "2024-01-15T09:30:00Z",
		environment:  []string{"PATH=/usr/local/bin:/usr/bin:/bin", "NODE_ENV=production"},
		command:      []string{"/srv/shop/bin/stock"},
	}
	system, python, upgrades := shopSystem(), shopPython(), shopUpgrades()

	r.add(base("bookworm.tar.gz", dpkgFiles(arch, system, system).add(
		tree{"etc/os-release": osRelease(r.distribution, "https://www.debian.org/")},
	)), facts(system))
	r.hide(facts(slices.DeleteFunc(slices.Clone(system), deb.onDisk)))
	r.add(setting(`CMD ["bash"]`))

	installed := slices.Concat(system, python)
	r.add(run("apt-get update && apt-get install -y python3 python3-requests && pip install -r requirements.txt",
		dpkgFiles(arch, installed, python).add(distFiles(shopDists())), zstandard), facts(python), facts(shopDists()))
	r.add(setting("ENV NODE_ENV=production"))

	modules := slices.Concat(shopModules(), shopDropped(), shopPluginsBefore())
	r.add(copied("shop /srv/shop", shopProgram().files(arch).add(moduleFiles(modules), shopExtras()), gzipped),
		facts(modules), shopProgram().facts())
	r.hide(facts(shopFixtures()))

	upgraded, replaced := upgrade(installed, upgrades)
	r.add(run("apt-get install -y --only-upgrade openssl libssl3 && rm -r /srv/shop/node_modules/event-stream && install-plugins",
		dpkgFiles(arch, upgraded, upgrades).add(moduleFiles(shopPluginsAfter()), shopWhiteouts()), gzipped),
		facts(upgrades), facts(shopPluginsAfter()))
	r.hide(slices.Concat(facts(replaced), facts(shopDropped()), facts(shopPluginsBefore())))
	r.add(setting(`CMD ["/srv/shop/bin/stock"]`))
	return r
}

// upgrade puts newer packages in the place of those of the same name, and gives those that had to go.
func upgrade(installed, newer []deb) (all, replaced []deb) {
	all = slices.Clone(installed)
	for _, n := range newer {
		i := slices.IndexFunc(all, func(d deb) bool { return d.name == n.name })
		replaced = append(replaced, all[i])
		all[i] = n
	}
	return all, replaced
}

// shopSystem is a part of Debian 12 as it was in the summer of 2023.
func shopSystem() []deb {
	return []deb{
		{name: "adduser", version: "3.134", license: "GPL-2+", all: true},
		{name: "apt", version: "2.6.1", license: "GPL-2+"},
		{name: "base-files", version: "12.4+deb12u1", license: "GPL-2+"},
		{name: "bash", version: "5.2.15-2+b2", source: "bash (5.2.15-2)", license: "GPL-3+"},
		{name: "bsdutils", version: "1:2.38.1-5+b1", source: "util-linux (2.38.1-5)", license: "GPL-2+"},
		{name: "coreutils", version: "9.1-1", license: "GPL-3+"},
		{name: "curl", version: "7.88.1-10", license: "curl"},
		{name: "dash", version: "0.5.12-2", license: "BSD-3-clause"},
		{name: "debconf", version: "1.5.82", license: "BSD-2-clause", all: true},
		{name: "diffutils", version: "1:3.8-4", license: "GPL-3+"},
		{name: "dpkg", version: "1.21.22", license: "GPL-2+"},
		{name: "findutils", version: "4.9.0-4", license: "GPL-3+"},
		{name: "gcc-12-base", version: "12.2.0-14", source: "gcc-12", license: "GPL-3+"},
		{name: "gpgv", version: "2.2.40-1.1", source: "gnupg2", license: "GPL-3+"},
		{name: "grep", version: "3.8-5", license: "GPL-3+"},
		{name: "gzip", version: "1.12-1", license: "GPL-3+"},
		{name: "libbz2-1.0", version: "1.0.8-5+b1", source: "bzip2 (1.0.8-5)", license: "BSD-variant"},
		{name: "libc-bin", version: "2.36-9", source: "glibc", license: "LGPL-2.1+"},
		{name: "libc6", version: "2.36-9", source: "glibc", license: "LGPL-2.1+"},
		{name: "libcurl4", version: "7.88.1-10", source: "curl", license: "curl"},
		{name: "libexpat1", version: "2.5.0-1", source: "expat", license: "MIT"},
		{name: "libgcc-s1", version: "12.2.0-14", source: "gcc-12", license: "GPL-3+"},
		{name: "libgcrypt20", version: "1.10.1-3", license: "LGPL-2.1+"},
		{name: "libgnutls30", version: "3.7.9-2", source: "gnutls28", license: "LGPL-2.1+"},
		{name: "libgssapi-krb5-2", version: "1.20.1-2", source: "krb5", license: "MIT"},
		{name: "liblzma5", version: "5.4.1-0.2", source: "xz-utils", license: "PD"},
		{name: "libnghttp2-14", version: "1.52.0-1", source: "nghttp2", license: "MIT"},
		{name: "libpam0g", version: "1.5.2-6", source: "pam", license: "BSD-3-clause"},
		{name: "libsqlite3-0", version: "3.40.1-2", source: "sqlite3", license: "public-domain"},
		{name: "libssl3", version: "3.0.9-1", source: "openssl", license: "Apache-2.0"},
		{name: "libstdc++6", version: "12.2.0-14", source: "gcc-12", license: "GPL-3+"},
		{name: "libsystemd0", version: "252.12-1~deb12u1", source: "systemd", license: "LGPL-2.1+"},
		{name: "libtasn1-6", version: "4.19.0-2", license: "LGPL-2.1+"},
		{name: "libtinfo6", version: "6.4-4", source: "ncurses", license: "MIT"},
		{name: "libwebp7", version: "1.2.4-0.2", source: "libwebp", license: "BSD-3-clause"},
		{name: "libxml2", version: "2.9.14+dfsg-1.2", license: "MIT"},
		{name: "login", version: "1:4.13+dfsg1-1+b1", source: "shadow (1:4.13+dfsg1-1)", license: "BSD-3-clause"},
		{name: "openssl", version: "3.0.9-1", license: "Apache-2.0"},
		{name: "perl-base", version: "5.36.0-7", source: "perl", license: "Artistic"},
		{name: "rsyslog", version: "8.2302.0-1", license: "GPL-3+", state: "config-files"},
		{name: "sed", version: "4.9-1", license: "GPL-3+"},
		{name: "tar", version: "1.34+dfsg-1.2", license: "GPL-3+"},
		{name: "tzdata", version: "2023c-5", license: "public-domain", state: "unpacked", all: true},
		{name: "zlib1g", version: "1:1.2.13.dfsg-1", source: "zlib", license: "Zlib"},
	}
}

// shopPython is what "apt-get install python3 python3-requests" adds.
func shopPython() []deb {
	return []deb{
		{name: "libpython3.11-minimal", version: "3.11.2-6", source: "python3.11", license: "PSF-2"},
		{name: "libpython3.11-stdlib", version: "3.11.2-6", source: "python3.11", license: "PSF-2"},
		{name: "python3", version: "3.11.2-1+b1", source: "python3-defaults (3.11.2-1)", license: "PSF-2"},
		{name: "python3-requests", version: "2.28.1+dfsg-1", source: "requests", license: "Apache-2.0", all: true, files: []string{debianRequests().metadata()}},
		{name: "python3.11", version: "3.11.2-6", license: "PSF-2"},
		{name: "python3.11-minimal", version: "3.11.2-6", source: "python3.11", license: "PSF-2"},
	}
}

// shopUpgrades is the one fix that the image's makers took over.
func shopUpgrades() []deb {
	return []deb{
		{name: "libssl3", version: "3.0.11-1~deb12u2", source: "openssl", license: "Apache-2.0"},
		{name: "openssl", version: "3.0.11-1~deb12u2", license: "Apache-2.0"},
	}
}

// debianRequests belongs to python3-requests, so that advisories about the upstream version do not hold for it.
func debianRequests() dist {
	return dist{name: "requests", version: "2.28.1", license: "Apache-2.0", dir: "usr/lib/python3/dist-packages", egg: true, ownedBy: "python3-requests"}
}

func shopDists() []dist {
	const dir = "usr/local/lib/python3.11/dist-packages"
	return []dist{
		debianRequests(),
		{name: "Django", version: "4.2.1", license: "BSD-3-Clause", dir: dir},
		{name: "Jinja2", version: "3.1.2", license: "BSD-3-Clause", dir: dir},
		{name: "Pillow", version: "9.4.0", license: "HPND", dir: dir},
		{name: "PyYAML", version: "5.3.1", license: "MIT", dir: dir},
		{name: "Werkzeug", version: "2.2.2", license: "BSD-3-Clause", dir: dir},
		{name: "certifi", version: "2022.12.7", license: "MPL-2.0", dir: dir},
		{name: "cryptography", version: "39.0.0", license: "Apache-2.0", dir: dir},
		{name: "gunicorn", version: "20.1.0", license: "MIT", dir: dir},
		{name: "sqlparse", version: "0.4.3", license: "BSD-3-Clause", dir: dir},
	}
}

func shopModules() []module {
	app := func(name, version, license string) module { return npm(shopApp, name, version, license) }
	return []module{
		app("@grpc/grpc-js", "1.8.0", "Apache-2.0"),
		app("axios", "0.21.0", "MIT"),
		app("body-parser", "1.19.0", "MIT"),
		app("cookie", "0.4.0", "MIT"),
		app("debug", "2.6.8", "MIT"),
		app("ejs", "3.1.6", "Apache-2.0"),
		app("express", "4.17.1", "MIT"),
		app("follow-redirects", "1.13.0", "MIT"),
		app("jsonwebtoken", "8.5.1", "MIT"),
		app("lodash", "4.17.15", "MIT"),
		app("minimist", "1.2.5", "MIT"),
		app("moment", "2.29.1", "MIT"),
		app("ms", "2.0.0", "MIT"),
		app("path-to-regexp", "0.1.7", "MIT"),
		app("qs", "6.7.0", "BSD-3-Clause"),
		app("semver", "7.5.4", "ISC"),
		app("send", "0.17.1", "MIT"),
		app("serve-static", "1.14.1", "MIT"),
		app("tar", "6.1.0", "ISC"),
		app("ws", "7.4.5", "MIT"),
		npm(path.Join(shopApp, "node_modules/jsonwebtoken"), "semver", "5.7.1", "ISC"),
		npm(path.Join(shopApp, "node_modules/send"), "ms", "2.1.1", "MIT"),
	}
}

// shopDropped is deleted by the last layer.
func shopDropped() []module {
	return []module{npm(shopApp, "event-stream", "3.3.6", "MIT")}
}

// shopPluginsBefore stands in a folder that the last layer replaces as a whole.
func shopPluginsBefore() []module {
	return []module{npm(shopPlugins, "handlebars", "4.0.11", "MIT"), npm(shopPlugins, "underscore", "1.9.0", "MIT")}
}

func shopPluginsAfter() []module {
	return []module{npm(shopPlugins, "handlebars", "4.7.8", "MIT")}
}

// shopFixtures lie inside a package as test data: npm does not count them.
func shopFixtures() []module {
	return []module{{dir: shopApp + "/node_modules/tar/test/fixtures/old", name: "minimist", version: "0.0.8", license: "MIT"}}
}

// shopExtras are files of the application that tell of no package.
func shopExtras() tree {
	return moduleFiles(shopFixtures()).add(tree{
		shopApp + "/package.json":             packageJSON(map[string]string{"name": "shop", "license": "Apache-2.0"}),
		shopApp + "/server.js":                text("require('express');\n"),
		shopApp + "/node_modules/.bin/semver": {target: "../semver/bin/semver.js"},
	})
}

func shopWhiteouts() tree {
	return tree{
		shopApp + "/node_modules/" + whiteout + "event-stream": {},
		shopPlugins + "/" + opaque:                             {},
	}
}

func shopProgram() program {
	return program{
		path: shopApp + "/bin/stock", goVersion: "1.20.1", main: goModule{"example.com/shop/stock", "v1.4.2"},
		deps: []goModule{
			{"github.com/gin-gonic/gin", "v1.8.1"},
			{"golang.org/x/crypto", "v0.6.0"},
			{"golang.org/x/net", "v0.7.0"},
			{"golang.org/x/text", "v0.7.0"},
			{"google.golang.org/protobuf", "v1.28.1"},
		},
	}
}
