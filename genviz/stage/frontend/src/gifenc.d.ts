// What we use of gifenc 1.0.3, which brings no types.
declare module "gifenc" {
  type Palette = number[][];
  type Encoder = {
    writeFrame(
      index: Uint8Array,
      width: number,
      height: number,
      options: { palette?: Palette; delay: number; repeat?: number },
    ): void;
    finish(): void;
    bytesView(): Uint8Array<ArrayBuffer>;
  };
  export function GIFEncoder(): Encoder;
  export function quantize(rgba: Uint8ClampedArray, colours: number, options: { format: "rgb565" }): Palette;
  export function applyPalette(rgba: Uint8ClampedArray, palette: Palette, format: "rgb565"): Uint8Array;
}
