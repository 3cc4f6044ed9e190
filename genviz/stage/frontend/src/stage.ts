// The component: mounted once per root, called again whenever the script's data changed.

import damage from "./damage.css?inline";
import race from "./race.css?inline";
import { still } from "./still";
import { source } from "./store";
import css from "./style.css?inline";
import { type Options, View, type ViewState } from "./view";

type Data = Partial<Options> & { source: string; scene?: string }; // `scene`: a packed scene in base64, for `still:…`
type Component = {
  data: Data;
  key: string;
  name: string;
  parentElement: HTMLElement | ShadowRoot;
  setStateValue: (name: string, value: unknown) => void;
  setTriggerValue: (name: string, value: unknown) => void;
};
type Mount = {
  view: View;
  id: string;
  scene: string | undefined;
  tell: (state: ViewState) => void;
  set: (knobs: Record<string, number>) => void;
};

const mounts = new WeakMap<Node, Mount>();

export default function stage({ data, parentElement, setStateValue, setTriggerValue }: Component): () => void {
  const options: Options = {
    panes: data.panes ?? null,
    transport: data.transport ?? false,
    height: data.height ?? 380,
    view: data.view ?? null,
    label: data.label ?? "",
    loop: data.loop ?? false,
    figures: data.figures ?? {},
    beside: data.beside ?? [],
  };
  const tell = (state: ViewState) => setStateValue("view", state);
  const set = (knobs: Record<string, number>) => setTriggerValue("set", knobs);
  const known = mounts.get(parentElement);
  if (known && (known.id === data.source || known.view.turns(data.source)) && known.scene === data.scene) {
    known.id = data.source;
    Object.assign(known, { tell, set });
    known.view.update(options, data.scene ? undefined : source(data.source));
    return () => close(parentElement);
  }
  close(parentElement);
  if (!parentElement.querySelector("style[data-genviz]")) {
    const style = document.createElement("style");
    style.dataset.genviz = "";
    style.textContent = css + race + damage;
    parentElement.append(style);
  }
  const mount: Mount = {
    id: data.source,
    scene: data.scene,
    tell,
    set,
    view: new View(
      parentElement,
      data.scene ? still(data.source, data.scene) : source(data.source),
      options,
      (state) => mount.tell(state),
      (knobs) => mount.set(knobs),
    ),
  };
  mounts.set(parentElement, mount);
  return () => close(parentElement);
}

function close(root: Node): void {
  mounts.get(root)?.view.close();
  mounts.delete(root);
}
