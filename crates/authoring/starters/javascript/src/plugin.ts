// {{name}}.

import { Plugin } from "switchboard";
import * as Type from "switchboard/type";

interface Settings {
  greeting: string;
}

const Greeting = Type.Object({ text: Type.String() });

const plugin = new Plugin();

plugin.get("/hello/{name}", { gives: Greeting }, function hello(ctx, { path }) {
  const { greeting } = ctx.config<Settings>();
  ctx.log.info(`greeting ${path.name}`);
  return { text: `${greeting}, ${path.name}!` };
});

export default plugin;
