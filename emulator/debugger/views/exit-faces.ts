/**
 * The exit that the guest is stopped at in its three faces: as VMX records it, as SVM does, and as KVM hands
 * it to user space. One of the first two is the hardware that the profile is for; the other one shows what
 * the same event would record there, and whether it would leave there at all.
 */
import type { Face } from '../../hypervisor/faces/face.ts';
import { kvmFace } from '../../hypervisor/faces/kvm-face.ts';
import { svmFace } from '../../hypervisor/faces/svm-face.ts';
import { vmxFace } from '../../hypervisor/faces/vmx-face.ts';
import type { Machine } from '../../machine.ts';
import type { Detail } from './detail.ts';

/** Most bytes of an instruction. */
const INSTRUCTION_BYTES = 15;

function faceRow(name: string, { title, fields }: Face, note: string): Detail {
  const children = fields.map(({ name: field, place, value, meaning }) => ({
    name: field === place ? field : `${place} ${field}`,
    value: meaning === '' ? value : `${value}  ${meaning}`,
  }));
  return { name, value: note === '' ? title : `${title}  ${note}`, children };
}

/** One row for each face of the exit that the guest stands at; none elsewhere. */
export function exitFaces({ hypervisor, cpu }: Machine): readonly Detail[] {
  const { standing, controls } = hypervisor;
  if (standing === null) return [];
  const { hardware, release } = controls;
  const elsewhere = hypervisor.leavesElsewhere(standing) ? 'would leave there too' : 'not intercepted there'; // prettier-ignore
  const note = (face: Face, of: 'vmx' | 'svm'): string =>
    of === hardware || face.fields.length === 0 ? '' : `(${elsewhere})`;
  const bytes = cpu.memory.readBytesPeek((standing.csBase + standing.rip) >>> 0, INSTRUCTION_BYTES);
  const vmx = vmxFace(standing);
  const svm = svmFace(standing, bytes);
  const kvm = kvmFace(standing, {
    release,
    hardware,
    isRam: (physical) => cpu.memory.isRam(physical, 1),
  });
  return [
    faceRow('VMX', vmx, note(vmx, 'vmx')),
    faceRow('SVM', svm, note(svm, 'svm')),
    faceRow('KVM user space', kvm, ''),
  ];
}
