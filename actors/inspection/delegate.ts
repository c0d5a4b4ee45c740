/** A port of which some methods are others; the rest is the port's own, with its own fields. */
export function delegate<T extends object>(port: T, others: Partial<T>): T {
  return new Proxy(port, {
    get(target, name) {
      if (name in others) return Reflect.get(others, name);
      const own = Reflect.get(target, name, target);
      return typeof own === "function" ? own.bind(target) : own;
    },
  });
}
