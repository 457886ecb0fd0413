// Every page works without this script. It keeps what has the id "live" up to date, sends filters when they are changed, keeps a form from being
// sent twice, and moves by keys: j and k in a list, Enter opens, u goes back, / to the first field.
"use strict";
(() => {
	const live = document.body.dataset.live, place = document.getElementById("live");

	function links() {
		return [...place.querySelectorAll("a, button, summary")];
	}

	// Shows the fresh one. What has the focus keeps it, by its address or else its place; so does the row that keys moved to.
	function replace(fresh) {
		const old = links(), at = old.indexOf(document.activeElement), here = old.findIndex((link) => link.closest("tr.here"));
		const same = (i) => links().find((link) => link.outerHTML === old[i].outerHTML) ?? links()[Math.min(i, links().length - 1)];
		place.replaceChildren(...fresh.childNodes);
		if (here >= 0)
			same(here)?.closest("tr")?.classList.add("here");
		if (at >= 0)
			same(at)?.focus({ preventScroll: true });
	}

	// Asks for the page again when the relay says that something has changed, at most once a second, and once more where it says so while the page is
	// on its way. Only a page that is seen follows: a browser has six connections to a server, and pages that are left or in other tabs would hold them.
	function follow() {
		let due = 0, busy = false, missed = false, source = null;
		const refresh = async () => {
			due = 0;
			busy = true;
			missed = false;
			try {
				const reply = await fetch(location.href, { headers: { Accept: "text/html" } });
				const fresh = new DOMParser().parseFromString(await reply.text(), "text/html").getElementById("live");
				if (reply.ok && fresh)
					replace(document.importNode(fresh, true));
			} catch (error) {
				// The next event tries again.
			}
			busy = false;
			if (missed && source)
				plan();
		};
		const plan = () => {
			missed = busy;
			if (!due && !busy)
				due = setTimeout(refresh, 1000);
		};
		const stop = () => {
			source?.close();
			clearTimeout(due);
			source = null;
			due = 0;
		};
		const start = (again) => {
			if (source || document.hidden)
				return;
			source = new EventSource(live);
			source.addEventListener("changed", plan);
			if (again)
				refresh();
		};
		window.addEventListener("pagehide", stop);
		window.addEventListener("pageshow", (event) => event.persisted && start(true));
		document.addEventListener("visibilitychange", () => document.hidden ? stop() : start(true));
		start(false);
	}

	function rows() {
		return [...document.querySelectorAll("main tbody tr")].filter((row) => row.querySelector("a"));
	}

	function move(step) {
		const all = rows(), here = all.findIndex((row) => row.classList.contains("here"));
		const next = all[Math.min(Math.max(here + step, 0), all.length - 1)];
		all.forEach((row) => row.classList.remove("here"));
		if (next) {
			next.classList.add("here");
			next.querySelector("a").focus();
			next.scrollIntoView({ block: "nearest" });
		}
	}

	document.addEventListener("keydown", (event) => {
		if (event.ctrlKey || event.altKey || event.metaKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName))
			return;
		if (event.key === "j" || event.key === "k")
			move(event.key === "j" ? 1 : -1);
		else if (event.key === "u")
			history.back();
		else if (event.key === "/") {
			document.querySelector("main select, main input:not([type=hidden]), main textarea")?.focus();
			event.preventDefault();
		}
	});
	document.querySelectorAll("form.filters select").forEach((field) => field.addEventListener("change", () => field.form.submit()));
	document.addEventListener("submit", (event) => {
		if (event.target.method !== "post")
			return;
		if (event.target.dataset.sent)
			event.preventDefault();
		event.target.dataset.sent = "1";
	});
	// Back from another page, the form may be sent again.
	window.addEventListener("pageshow", () => document.querySelectorAll("form").forEach((form) => delete form.dataset.sent));
	// On a phone the tabs are wider than the screen.
	const tab = document.querySelector("nav [aria-current]"), tabs = tab?.closest("ul");
	if (tab)
		tabs.scrollLeft = tab.offsetLeft - (tabs.clientWidth - tab.offsetWidth) / 2;
	if (live && place && window.EventSource)
		follow();
})();
