import { expect, it } from "vitest";
import { Hand } from "./keys";

it("a button is pressed by Space where it was tabbed to, not where it was clicked", () => {
  const hand = new Hand();
  const seen = [
    { type: "pointerdown" },
    { type: "keydown", key: "a" },
    { type: "keydown", key: "Tab" },
    { type: "keydown", key: " " },
  ];
  expect(
    seen.map((event) => {
      hand.see(event);
      return hand.pointing;
    }),
  ).toEqual([true, true, false, false]);
});
