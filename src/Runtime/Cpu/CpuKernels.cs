using System.Runtime.Intrinsics;
using Lorq.Runtime.Cpu.Isa;

namespace Lorq.Runtime.Cpu;

/// <summary>An instruction set that kernels exist for, the better ones last.</summary>
internal enum InstructionSet
{
    /// <summary>128-bit vectors of whatever the processor has.</summary>
    Portable,

    /// <summary>Arm64 with dot products.</summary>
    Arm,
    Avx2,
    AvxVnni,
    Avx512,
}

/// <summary>The choice of a kernel.</summary>
internal static class CpuKernels
{
    /// <summary>The best instruction set of this processor.</summary>
    public static InstructionSet Best =>
        Avx512Isa.IsSupported ? InstructionSet.Avx512
        : AvxVnniIsa.IsSupported ? InstructionSet.AvxVnni
        : Avx2Isa.IsSupported ? InstructionSet.Avx2
        : ArmIsa.IsSupported ? InstructionSet.Arm
        : InstructionSet.Portable;

    /// <summary>The instruction sets that this processor can run.</summary>
    public static IReadOnlyList<InstructionSet> Supported => [.. Enum.GetValues<InstructionSet>().Where(IsSupported)];

    /// <summary>Packs a node's weights for an instruction set. Codebooks meet exact activations whatever <paramref name="mode"/> says.</summary>
    public static MatMulKernel Create(WeightTensors tensors, ActivationMode mode, InstructionSet isa)
    {
        mode = tensors.Codebook is null ? mode : ActivationMode.Exact;
        return isa switch
        {
            InstructionSet.Avx512 => Create<Avx512Isa, Vector512<byte>, Vector512<float>>(tensors, mode),
            InstructionSet.AvxVnni => Create<AvxVnniIsa, Vector256<byte>, Vector256<float>>(tensors, mode),
            InstructionSet.Avx2 => Create<Avx2Isa, Vector256<byte>, Vector256<float>>(tensors, mode),
            InstructionSet.Arm => Create<ArmIsa, Vector128<byte>, Vector128<float>>(tensors, mode),
            _ => Create<PortableIsa, Vector128<byte>, Vector128<float>>(tensors, mode),
        };
    }

    private static bool IsSupported(InstructionSet isa) =>
        isa switch
        {
            InstructionSet.Avx512 => Avx512Isa.IsSupported,
            InstructionSet.AvxVnni => AvxVnniIsa.IsSupported,
            InstructionSet.Avx2 => Avx2Isa.IsSupported,
            InstructionSet.Arm => ArmIsa.IsSupported,
            _ => true,
        };

    private static MatMulKernel Create<TIsa, TInt, TFloat>(WeightTensors tensors, ActivationMode mode)
        where TIsa : IKernelIsa<TInt, TFloat>
        where TInt : unmanaged
        where TFloat : unmanaged =>
        tensors.Bits switch
        {
            2 => new TiledMatMul<TIsa, TInt, TFloat, Codes2>(tensors, mode),
            3 => new TiledMatMul<TIsa, TInt, TFloat, Codes3>(tensors, mode),
            4 => new TiledMatMul<TIsa, TInt, TFloat, Codes4>(tensors, mode),
            5 => new TiledMatMul<TIsa, TInt, TFloat, Codes5>(tensors, mode),
            6 => new TiledMatMul<TIsa, TInt, TFloat, Codes6>(tensors, mode),
            8 => new TiledMatMul<TIsa, TInt, TFloat, Codes8>(tensors, mode),
            _ => throw new ArgumentOutOfRangeException(nameof(tensors), tensors.Bits, "Codes have 2, 3, 4, 5, 6 or 8 bits."),
        };
}
