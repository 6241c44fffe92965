import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { nextTheme, savedTheme, setTheme, type Theme } from "#web/theme.ts";
import type { Zone } from "#web/time.ts";
import { AlarmList } from "./alarm-list.tsx";
import { EquipmentTable } from "./equipment-table.tsx";
import { Facts, Verdict } from "./facts.tsx";
import type { Overview } from "./overview.ts";
import { PlotCard } from "./plot-card.tsx";
import { ask, learnServerTime, ServerError, usePolled, useTick } from "./server.ts";
import { CheckList, ServiceList } from "./side-lists.tsx";
import { SignIn } from "./sign-in.tsx";
import "./style.css";

const refreshMs = 3_000;

function App() {
  const [isOut, setOut] = useState(false);
  if (isOut) return <SignIn onSignedIn={() => setOut(false)} />;
  return <Workplace onSignedOut={() => setOut(true)} />;
}

function Workplace(props: { readonly onSignedOut: () => void }) {
  const overview = usePolled<Overview>("/api/overview", refreshMs);
  const [equipment, choose] = useState<string | undefined>(undefined);
  const [zone, setZone] = useState<Zone>("local");
  useTick(5_000);
  useEffect(() => {
    if (overview.value !== undefined) learnServerTime(overview.value.nowMs);
  }, [overview.value]);
  useEffect(() => {
    if (overview.error?.status === 401) props.onSignedOut();
  }, [overview.error]);
  const { value } = overview;
  return (
    <>
      <Header overview={value} isLive={overview.error === undefined && value !== undefined} onSignedOut={props.onSignedOut} />
      {overview.error === undefined || overview.error.status === 401 ? null : (
        <p class="banner" role="alert">
          {overview.error.message} What is shown may be old.
        </p>
      )}
      {value === undefined ? (
        <p class="empty">Loading.</p>
      ) : (
        <main class="site">
          <Facts overview={value} zone={zone} />
          <Verdict verdict={value.verdict} />
          <div class="columns">
            <AlarmList overview={value} zone={zone} />
            <div class="side">
              <ServiceList services={value.services} />
              <CheckList checks={value.checks} />
            </div>
          </div>
          <EquipmentTable equipment={value.status.equipment} selected={equipment} onSelect={choose} />
          <PlotCard equipment={equipment ?? value.status.equipment[0]?.id} zone={zone} onZone={setZone} />
        </main>
      )}
    </>
  );
}

/** The tab is opened at the click, or the browser would block it; the address comes when the editor is up. */
function EditorButton() {
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const open = async () => {
    const tab = window.open("about:blank", "_blank");
    try {
      const { path } = await ask<{ readonly path: string }>("/api/editor", { method: "POST", body: {} });
      if (tab !== null) tab.location.href = path;
      setProblem(undefined);
    } catch (error) {
      if (!(error instanceof ServerError)) throw error;
      tab?.close();
      setProblem(error.message);
    }
  };
  return (
    <>
      {problem === undefined ? null : (
        <span class="problem" role="alert">
          {problem}
        </span>
      )}
      <button type="button" class="button" onClick={() => void open()}>
        Open the flow editor
      </button>
    </>
  );
}

const themeWords: Readonly<Record<Theme, string>> = { auto: "Theme: auto", light: "Theme: light", dark: "Theme: dark" };

function Header(props: { readonly overview: Overview | undefined; readonly isLive: boolean; readonly onSignedOut: () => void }) {
  const [theme, chooseTheme] = useState(savedTheme);
  const { overview } = props;
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
        Gatehouse
      </span>
      <span class={props.isLive ? "mark good" : "mark warn"} role="status">
        {props.isLive ? "live" : "connecting"}
      </span>
      <span class="spacer" />
      {overview?.hasEditor === true && overview.scopes.includes("flows.read") ? <EditorButton /> : null}
      <button
        type="button"
        class="button quiet"
        onClick={() => {
          const next = nextTheme(theme);
          setTheme(next);
          chooseTheme(next);
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
