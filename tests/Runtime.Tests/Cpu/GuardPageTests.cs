using System.Runtime.InteropServices;
using Lorq.Runtime.Cpu;

namespace Lorq.Runtime.Tests.Cpu;

/// <summary>Inputs and outputs that end, or begin, at a page that may not be touched: one byte too far ends the process.</summary>
public sealed unsafe partial class GuardPageTests
{
    private static readonly (int Block, ScaleForm Scales)[] Cases =
    [
        (16, ScaleForm.Half),
        (16, ScaleForm.Byte),
        (32, ScaleForm.Half),
        (32, ScaleForm.Byte),
        (0, ScaleForm.Half),
        (0, ScaleForm.Byte),
    ];

    [SkippableTheory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(8)]
    public void Nothing_is_touched_outside(int bits)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Guard pages are made with mmap and mprotect.");
        foreach (InstructionSet isa in CpuKernels.Supported)
        {
            foreach ((int k, int n) in ((int, int)[])[(1, 1), (33, 15), (64, 16), (70, 17), (515, 40)])
            {
                foreach ((int block, ScaleForm scales) in Cases)
                {
                    var weights = new RandomWeights(k, k, n, bits, block, true, scales, Factors.Half, 3);
                    foreach (ActivationMode mode in Enum.GetValues<ActivationMode>())
                    {
                        using MatMulKernel kernel = CpuKernels.Create(weights.Tensors, mode, isa);
                        foreach (int rows in (int[])[1, 2, 3, 4, 7, 8])
                        {
                            foreach (bool atEnd in (bool[])[true, false])
                            {
                                Run(kernel, rows, atEnd);
                            }
                        }
                    }
                }
            }
        }
    }

    private static void Run(MatMulKernel kernel, int rows, bool atEnd)
    {
        using var x = new GuardedBuffer(rows * kernel.Weights.K, atEnd);
        using var y = new GuardedBuffer(rows * kernel.Weights.N, atEnd);
        x.Span.Fill(1);
        y.Span.Fill(float.NaN);
        using var call = new MatMulCall();
        kernel.Multiply(call, x.Pointer, y.Pointer, rows, new Serial());
        foreach (float value in y.Span)
        {
            Assert.True(float.IsFinite(value));
        }
    }

    /// <summary>Floats between two protected pages, flush with the second or with the first.</summary>
    private sealed partial class GuardedBuffer : IDisposable
    {
        private const int ReadWrite = 3;
        private const int PrivateAnonymous = 0x22;
        private readonly nint start;
        private readonly nuint length;

        public GuardedBuffer(int count, bool atEnd)
        {
            nuint page = (nuint)Environment.SystemPageSize;
            nuint inner = ((nuint)count * sizeof(float) + page - 1) / page * page;
            length = inner + 2 * page;
            start = Map(0, length, ReadWrite, PrivateAnonymous, -1, 0);
            Assert.NotEqual(-1, start);
            Assert.Equal(0, Protect(start, page, 0));
            Assert.Equal(0, Protect(start + (nint)(page + inner), page, 0));
            Pointer = (float*)(start + (nint)page + (atEnd ? (nint)inner - (nint)count * sizeof(float) : 0));
            Count = count;
        }

        public float* Pointer { get; }

        private int Count { get; }

        public Span<float> Span => new(Pointer, Count);

        public void Dispose() => _ = Unmap(start, length);

        [LibraryImport("libc", EntryPoint = "mmap")]
        private static partial nint Map(nint address, nuint length, int protection, int flags, int file, nint offset);

        [LibraryImport("libc", EntryPoint = "mprotect")]
        private static partial int Protect(nint address, nuint length, int protection);

        [LibraryImport("libc", EntryPoint = "munmap")]
        private static partial int Unmap(nint address, nuint length);
    }
}
