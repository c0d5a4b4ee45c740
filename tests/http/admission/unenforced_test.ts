import { assertEquals } from "@std/assert";
import { unenforced } from "../../../http/admission/unenforced.ts";
import type { AdmissionRequest } from "../../../http/machinery/types.ts";

const cases: {
  name: string;
  group: string;
  resource: string;
  operation: AdmissionRequest["operation"];
  warned: boolean;
}[] = [
  {
    name: "a network policy that is created",
    group: "networking.k8s.io",
    resource: "networkpolicies",
    operation: "CREATE",
    warned: true,
  },
  {
    name: "a network policy that is changed, by somebody who knows",
    group: "networking.k8s.io",
    resource: "networkpolicies",
    operation: "UPDATE",
    warned: false,
  },
  { name: "a claim of a volume", group: "", resource: "persistentvolumeclaims", operation: "CREATE", warned: true },
  { name: "a pod", group: "", resource: "pods", operation: "CREATE", warned: false },
];

for (const { name, group, resource, operation, warned } of cases) {
  Deno.test(`unenforced ${warned ? "warns of" : "is silent about"} ${name}`, async () => {
    const warnings: string[] = [];
    const request = { operation, resource: { group, resource }, warn: (text: string) => warnings.push(text) };
    await unenforced.validate!(request as unknown as AdmissionRequest);
    assertEquals(warnings.map((text) => text.startsWith("Chartroom stores this object")), warned ? [true] : []);
  });
}
