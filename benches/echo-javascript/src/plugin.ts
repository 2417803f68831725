// A plugin that answers what it is asked: what is measured with it is the way there and back.

import { Plugin } from "switchboard";
import * as Type from "switchboard/type";

const plugin = new Plugin();

plugin.service("echo.say", { takes: Type.String(), gives: Type.String() }, (_, said) => said);

export default plugin;
