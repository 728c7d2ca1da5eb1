using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Lorq.Runtime.Cpu.Isa;

namespace Lorq.Runtime.Cpu;

/// <summary>
/// A node's weights in the order in which the kernels read them. Columns come in panels of two vectors. Per panel: the codes of each unit (32 consecutive k, the last one
/// filled up) of the first and then the second vector; scales and zero points block by block; L2 row by row. L1 comes in panels of its own columns. Columns beyond N have scale 0.
/// </summary>
internal sealed unsafe class PackedMatrix : IDisposable
{
    /// <summary>Consecutive k whose activations share a scale.</summary>
    public const int Unit = 32;

    /// <summary>Bytes that memory moves at a time.</summary>
    public const int CacheLine = 64;

    /// <summary>
    /// Values of a pair up to which float16 ones are widened at load: they stay in the second-level cache from call to call, and widening takes
    /// as long as multiplying. Larger pairs are read from memory, where half the bytes count for more.
    /// </summary>
    private const long WidenedFactors = 128 * 1024;

    private readonly List<NativeBuffer> buffers = [];

    /// <summary>Columns per panel.</summary>
    public required int PanelWidth { get; init; }
    public required int K { get; init; }
    public required int N { get; init; }
    public required int Rank { get; init; }

    public int Units => (K + Unit - 1) / Unit;
    public int Panels => (N + PanelWidth - 1) / PanelWidth;

    /// <summary>Floats of a row of x·L1, filled up to whole panels.</summary>
    public int RankStride { get; private set; }
    public int RankPanels => (Rank + PanelWidth - 1) / PanelWidth;

    /// <summary>Scales per column.</summary>
    public required int Blocks { get; init; }

    /// <summary>Units that share a scale.</summary>
    public required int UnitsPerBlock { get; init; }

    /// <summary>Whether a unit has two scales (block 16).</summary>
    public required bool IsHalfBlock { get; init; }

    public byte* Codes { get; private set; }

    /// <summary>Bytes of codes per panel and unit.</summary>
    public int UnitBytes { get; private set; }
    public float* Scales { get; private set; }
    public Half* HalfScales { get; private set; }

    /// <summary>8-bit scales in place of the others, and what each column multiplies them by.</summary>
    public sbyte* ByteScales { get; private set; }
    public float* ScaleFactors { get; private set; }

    /// <summary>Zero points less what the kernel's sums already subtract from codes, or null.</summary>
    public short* Zeros { get; private set; }

    /// <summary>The zero point of columns without one of their own, less what the kernel's sums already subtract.</summary>
    public required int DefaultZero { get; init; }
    public float* Codebook { get; private set; }
    public float* L1 { get; private set; }
    public Half* HalfL1 { get; private set; }
    public float* L2 { get; private set; }
    public Half* HalfL2 { get; private set; }

    /// <summary>The bias, filled up to whole panels; zeros without one.</summary>
    public float* Bias { get; private set; }

    /// <summary>Bytes of everything.</summary>
    public long Bytes => buffers.Sum(b => (long)b.Bytes);

    /// <summary>Bytes of codes, scales and zero points: what one pass over the quantized part reads.</summary>
    public long QuantizedBytes { get; private set; }

    /// <summary>Packs <paramref name="tensors"/> for an instruction set and a width.</summary>
    /// <param name="tensors">The weights as the model has them.</param>
    /// <param name="zeroBase">What the kernel's sums already subtract from codes.</param>
    public static PackedMatrix Pack<TIsa, TInt, TFloat, TWidth>(WeightTensors tensors, int zeroBase)
        where TIsa : IKernelIsa<TInt, TFloat>
        where TInt : unmanaged
        where TFloat : unmanaged
        where TWidth : ICodeWidth
    {
        bool half = tensors.Block == 16;
        var packed = new PackedMatrix
        {
            PanelWidth = 2 * TIsa.Lanes,
            K = tensors.K,
            N = tensors.N,
            Rank = tensors.Rank,
            IsHalfBlock = half,
            UnitsPerBlock = tensors.Block == 0 ? int.MaxValue : Math.Max(tensors.Block / Unit, 1),
            Blocks = half ? 2 * ((tensors.K + Unit - 1) / Unit) : tensors.Blocks,
            DefaultZero = (1 << (TWidth.Bits - 1)) - zeroBase,
        };
        packed.PackCodes<TWidth>(tensors.Codes);
        packed.PackScales(tensors, zeroBase);
        packed.PackFactors(tensors);
        packed.Bias = packed.Floats((nint)packed.Panels * packed.PanelWidth);
        tensors.Bias?.CopyTo(new Span<float>(packed.Bias, tensors.N));
        if (tensors.Codebook is { } codebook)
        {
            packed.Codebook = packed.Floats(codebook.Length);
            codebook.CopyTo(new Span<float>(packed.Codebook, codebook.Length));
        }
        return packed;
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose() => buffers.ForEach(b => b.Dispose());

    private void PackCodes<TWidth>(ICodeColumns source)
        where TWidth : ICodeWidth
    {
        int vector = 2 * PanelWidth; // bytes: four codes for each of half a panel's columns
        UnitBytes = 2 * TWidth.Bits * vector;
        nint bytes = (nint)Panels * Units * UnitBytes;
        QuantizedBytes += bytes;
        Codes = Allocate(bytes);
        // Codes of a panel, one a byte, in the order of steps: [unit][vector][step][column][4].
        byte[] steps = new byte[Units * 2 * 8 * vector];
        byte[] column = new byte[Units * Unit];
        int half = PanelWidth / 2;
        Span<ulong> before = stackalloc ulong[8];
        Span<ulong> after = stackalloc ulong[TWidth.Bits];
        for (int panel = 0; panel < Panels; panel++)
        {
            Array.Clear(steps);
            for (int c = 0; c < PanelWidth && panel * PanelWidth + c < N; c++)
            {
                source.Read(panel * PanelWidth + c, column.AsSpan(0, K));
                Span<uint> quads = MemoryMarshal.Cast<byte, uint>(column.AsSpan());
                Span<uint> target = MemoryMarshal.Cast<byte, uint>(steps.AsSpan());
                for (int q = 0; q < quads.Length; q++)
                {
                    target[((q / 8 * 2 + c / half) * 8 + q % 8) * half + c % half] = quads[q];
                }
            }
            ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(steps.AsSpan());
            int wordsPerVector = vector / 8;
            for (int g = 0; g < Units * 2; g++)
            {
                ulong* target = (ulong*)(Codes + (nint)panel * Units * UnitBytes + (nint)g * TWidth.Bits * vector);
                for (int w = 0; w < wordsPerVector; w++)
                {
                    for (int s = 0; s < 8; s++)
                    {
                        before[s] = words[(g * 8 + s) * wordsPerVector + w];
                    }
                    TWidth.Pack(before, after);
                    for (int b = 0; b < after.Length; b++)
                    {
                        target[b * wordsPerVector + w] = after[b];
                    }
                }
            }
        }
    }

    private void PackScales(WeightTensors tensors, int zeroBase)
    {
        nint count = (nint)Panels * Blocks * PanelWidth;
        int size = sizeof(float);
        if (tensors.ByteScales is not null)
        {
            size = sizeof(sbyte);
            ByteScales = (sbyte*)Allocate(count);
            ScaleFactors = Floats((nint)Panels * PanelWidth);
            tensors.ScaleFactors!.CopyTo(new Span<float>(ScaleFactors, N));
        }
        else if (tensors.Scales.IsHalf)
        {
            size = sizeof(Half);
            HalfScales = (Half*)Allocate(count * sizeof(Half));
        }
        else
        {
            Scales = Floats(count);
        }
        if (tensors.Zeros is not null)
        {
            Zeros = (short*)Allocate(count * sizeof(short));
        }
        QuantizedBytes += count * (size + (tensors.Zeros is null ? 0 : sizeof(short)));
        for (int n = 0; n < N; n++)
        {
            for (int b = 0; b < tensors.Blocks; b++)
            {
                int from = n * tensors.Blocks + b;
                nint to = ((nint)(n / PanelWidth) * Blocks + b) * PanelWidth + n % PanelWidth;
                if (ByteScales is not null)
                {
                    ByteScales[to] = tensors.ByteScales![from];
                }
                else if (HalfScales is not null)
                {
                    HalfScales[to] = tensors.Scales.Half![from];
                }
                else
                {
                    Scales[to] = tensors.Scales.Single![from];
                }
                if (tensors.Zeros is { } zeros)
                {
                    Zeros[to] = (short)(zeros[from] - zeroBase);
                }
            }
        }
    }

    private void PackFactors(WeightTensors tensors)
    {
        if (Rank == 0)
        {
            return;
        }
        RankStride = RankPanels * PanelWidth;
        bool isWidened = (long)Rank * (K + N) <= WidenedFactors;
        bool isHalf1 = tensors.L1.IsHalf && !isWidened;
        bool isHalf2 = tensors.L2.IsHalf && !isWidened;
        void* l1 = PackPanels(tensors.L1, K, Rank, isHalf1);
        void* l2 = PackPanels(tensors.L2, Rank, N, isHalf2);
        L1 = isHalf1 ? null : (float*)l1;
        HalfL1 = isHalf1 ? (Half*)l1 : null;
        L2 = isHalf2 ? null : (float*)l2;
        HalfL2 = isHalf2 ? (Half*)l2 : null;
    }

    /// <summary>A rows×columns matrix in panels: <c>[panel][row][column of the panel]</c>.</summary>
    private void* PackPanels(FloatArray matrix, int rows, int columns, bool isHalf)
    {
        int panels = (columns + PanelWidth - 1) / PanelWidth;
        nint count = (nint)panels * rows * PanelWidth;
        byte* target = Allocate(count * (isHalf ? sizeof(Half) : sizeof(float)));
        for (int p = 0; p < panels; p++)
        {
            int first = p * PanelWidth;
            int width = Math.Min(PanelWidth, columns - first);
            for (int r = 0; r < rows; r++)
            {
                nint to = ((nint)p * rows + r) * PanelWidth;
                int from = r * columns + first;
                if (matrix.Half is not { } halves)
                {
                    matrix.Single.AsSpan(from, width).CopyTo(new Span<float>((float*)target + to, width));
                }
                else if (isHalf)
                {
                    halves.AsSpan(from, width).CopyTo(new Span<Half>((Half*)target + to, width));
                }
                else
                {
                    TensorPrimitives.ConvertToSingle(halves.AsSpan(from, width), new Span<float>((float*)target + to, width));
                }
            }
        }
        return target;
    }

    private float* Floats(nint count) => (float*)Allocate(count * sizeof(float));

    private byte* Allocate(nint bytes)
    {
        var buffer = new NativeBuffer(bytes);
        buffers.Add(buffer);
        return buffer.Pointer;
    }
}
