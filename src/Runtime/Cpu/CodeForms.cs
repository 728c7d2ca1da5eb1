namespace Lorq.Runtime.Cpu;

/// <summary>Where a tile's codes come from and how often their scale changes, as a type: the kernels are compiled for each.</summary>
internal interface ICodeForm;

/// <summary>Packed as the width packs them; a scale per unit at most.</summary>
internal readonly struct PackedForm : ICodeForm;

/// <summary>A byte each, so that many tiles share the unpacking; a scale per unit at most.</summary>
internal readonly struct UnpackedForm : ICodeForm;

/// <summary>A byte each; a scale per half unit (blocks of 16).</summary>
internal readonly struct HalfUnitForm : ICodeForm;
