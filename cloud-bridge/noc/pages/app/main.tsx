import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { nextTheme, savedTheme, setTheme, type Theme } from "#web/theme.ts";
import type { GatewayView } from "../../registry/overview.ts";
import { AlarmsPage } from "./alarms-page.tsx";
import { GatewayList, keyOf } from "./gateway-list.tsx";
import { GatewayPanel } from "./gateway-panel.tsx";
import { ask, learnServerTime, ServerError, useFeed, useLoaded, useTick } from "./server.ts";
import { SignIn, signInByLink } from "./sign-in.tsx";
import "./style.css";
import { ReleasesPage } from "./releases-page.tsx";
import { pages, useView, type ViewState } from "./view-state.ts";

type Session = { readonly state: "unknown" } | { readonly state: "in" } | { readonly state: "out"; readonly problem?: string };

function App() {
  const [session, setSession] = useState<Session>({ state: "unknown" });
  useEffect(() => {
    void signInByLink().then((problem) => setSession(problem === undefined ? { state: "in" } : { state: "out", problem }));
  }, []);
  if (session.state === "unknown") return null;
  if (session.state === "out") return <SignIn problem={session.problem} onSignedIn={() => setSession({ state: "in" })} />;
  return <Workplace onSignedOut={() => setSession({ state: "out" })} />;
}

interface GatewaysAnswer {
  readonly nowMs: number;
  readonly gateways: readonly GatewayView[];
}

function Workplace(props: { readonly onSignedOut: () => void }) {
  const [view, change] = useView();
  const feed = useFeed(true);
  useTick(5_000);
  const onError = (error: ServerError) => {
    if (error.status === 401) props.onSignedOut();
  };
  const loaded = useLoaded<GatewaysAnswer>("/api/gateways", feed.all, onError);
  useEffect(() => {
    if (loaded.value !== undefined) learnServerTime(loaded.value.nowMs);
  }, [loaded.value]);
  const gateways = loaded.value?.gateways ?? [];
  const selected = gateways.find((gateway) => keyOf(gateway) === view.gateway) ?? gateways[0];
  const select = (key: string) => change({ gateway: key, equipment: undefined, series: [], search: "" });
  return (
    <>
      <Header feed={feed.connected} page={view.page} onPage={(page) => change({ page })} onSignedOut={props.onSignedOut} />
      {loaded.error === undefined || feed.connected ? null : (
        <p class="banner" role="alert">
          {loaded.error} What is shown may be old.
        </p>
      )}
      {view.page === "alarms" ? (
        <AlarmsPage
          version={feed.all}
          zone={view.zone}
          onError={onError}
          onGateway={(key, equipment) => change({ page: "gateways", gateway: key, equipment, series: [], search: "" })}
        />
      ) : view.page === "releases" ? (
        <ReleasesPage
          version={feed.all}
          zone={view.zone}
          gateways={gateways}
          onError={onError}
          onGateway={(key) => change({ page: "gateways", gateway: key, equipment: undefined, series: [], search: "" })}
        />
      ) : (
        <div class="layout">
          <nav aria-label="Gateways">
            <h2 class="nav-title">Gateways</h2>
            {loaded.value === undefined ? (
              <p class="empty">Loading.</p>
            ) : (
              <GatewayList gateways={gateways} selected={selected === undefined ? undefined : keyOf(selected)} onSelect={select} />
            )}
          </nav>
          <main>
            {selected === undefined ? null : (
              <GatewayPanel
                key={keyOf(selected)}
                gateway={selected}
                version={feed.of(keyOf(selected))}
                view={view}
                onView={change}
                onError={onError}
              />
            )}
          </main>
        </div>
      )}
    </>
  );
}

const themeWords: Readonly<Record<Theme, string>> = { auto: "Theme: auto", light: "Theme: light", dark: "Theme: dark" };

const pageWords: Readonly<Record<ViewState["page"], string>> = { gateways: "Gateways", alarms: "Alarms", releases: "Releases" };

interface HeaderProps {
  readonly feed: boolean;
  readonly page: ViewState["page"];
  readonly onPage: (page: ViewState["page"]) => void;
  readonly onSignedOut: () => void;
}

function Header(props: HeaderProps) {
  const [theme, choose] = useState(savedTheme);
  const signOut = () => {
    ask("/api/session", { method: "DELETE" }).then(props.onSignedOut, (error: unknown) => {
      if (!(error instanceof ServerError)) throw error;
      props.onSignedOut();
    });
  };
  return (
    <header class="top">
      <span class="product">
        <svg viewBox="0 0 16 16" width="20" height="20" aria-hidden="true">
          <path d="M2 15V6l6-4 6 4v9h-4v-4a2 2 0 0 0-4 0v4z" fill="currentColor" />
        </svg>
        Gatehouse NOC
      </span>
      <fieldset class="button-group" aria-label="Page">
        {pages.map((page) => (
          <button key={page} type="button" class="button" aria-pressed={props.page === page} onClick={() => props.onPage(page)}>
            {pageWords[page]}
          </button>
        ))}
      </fieldset>
      <span class={props.feed ? "mark good" : "mark warn"} role="status">
        {props.feed ? "live" : "connecting"}
      </span>
      <span class="spacer" />
      <button
        type="button"
        class="button quiet"
        onClick={() => {
          const next = nextTheme(theme);
          setTheme(next);
          choose(next);
        }}
      >
        {themeWords[theme]}
      </button>
      <button type="button" class="button quiet" onClick={signOut}>
        Sign out
      </button>
    </header>
  );
}

setTheme(savedTheme());
const root = document.getElementById("app");
if (root !== null) render(<App />, root);
