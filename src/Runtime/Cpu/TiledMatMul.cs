using System.Runtime.CompilerServices;
using Lorq.Runtime.Cpu.Isa;

namespace Lorq.Runtime.Cpu;

/// <summary>
/// The multiplication over one instruction set and one width. Two phases, each of independent tasks: rows (activations are rounded and projected onto the low rank), then
/// panels of columns. With more than one tile of rows, a panel's codes are unpacked once per chunk of K into memory that the first-level cache holds. Which sums are added in which
/// order depends on shapes only, not on threads.
/// </summary>
internal sealed unsafe partial class TiledMatMul<TIsa, TInt, TFloat, TWidth>(WeightTensors tensors, ActivationMode mode) : MatMulKernel
    where TIsa : IKernelIsa<TInt, TFloat>
    where TInt : unmanaged
    where TFloat : unmanaged
    where TWidth : ICodeWidth
{
    /// <summary>Rows that share an unpacked chunk.</summary>
    private const int ChunkRows = 96;

    /// <summary>Multiplications that make a task worth its dispatch.</summary>
    private const long TaskWork = 100_000;

    private const int MostTasks = 64;

    /// <summary>Rows that a task of the first phase has about, where there are as many: they share what is widened of L1.</summary>
    private const int TaskRows = 8;

    /// <summary>k of L1 that are widened to floats at a time.</summary>
    private const int FactorChunk = 128;

    private readonly PackedMatrix weights = PackedMatrix.Pack<TIsa, TInt, TFloat, TWidth>(
        tensors,
        mode == ActivationMode.Exact ? 0
            : TWidth.IsWide ? TIsa.WideOffset
            : IsCentered ? 1 << (TWidth.Bits - 1)
            : 0
    );

    public override string IsaName => TIsa.Name;
    public override PackedMatrix Weights => weights;
    public override ActivationMode Mode => mode;

    private int Runs => weights.IsHalfBlock ? 2 : 1;
    private static int Panel => 2 * TIsa.Lanes;

    /// <summary>Rows of a tile: as many as keep their sums in sixteen registers; exact ones and integer sums in two parts take more of them.</summary>
    private int Tallest => mode == ActivationMode.Int8 && !IsSplit ? FourRows.Count : ThreeRows.Count;
    private static bool IsSplit => TIsa.HasNarrowSums && TWidth.StepsPerSum < 8;
    private static bool IsCentered => TIsa.HasNarrowSums && TWidth.IsCentered;

    /// <summary>Numbers beside the codes of a row's run.</summary>
    private static int Entry => Centering.Entry(IsCentered);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Multiply(MatMulCall call, float* x, float* y, int rows, IParallel parallel)
    {
        if (rows == 0)
        {
            return;
        }
        call.Kernel = this;
        call.X = x;
        call.Y = y;
        call.Rows = rows;
        nint units = (nint)rows * weights.Units;
        nint codes = mode == ActivationMode.Int8 ? units * PackedMatrix.Unit : 0;
        nint sums = mode == ActivationMode.Int8 ? units * Runs * Entry * sizeof(float) : 0;
        int tiles = new RowTiles(rows, Tallest).Count;
        bool isPadded = mode == ActivationMode.Exact && IsPacked(tiles) && weights.K % PackedMatrix.Unit > 0;
        nint padded = isPadded ? units * PackedMatrix.Unit * sizeof(float) : 0;
        call.Parts = tiles == 1 ? Tasks((long)rows * weights.K * weights.Rank) : 1;
        nint t = (nint)call.Parts * rows * weights.RankStride * sizeof(float);
        call.Reserve(MatMulCall.Padded(codes) + MatMulCall.Padded(sums) + MatMulCall.Padded(t) + MatMulCall.Padded(padded));
        call.Codes = (sbyte*)call.Take(codes);
        call.Sums = (float*)call.Take(sums);
        call.T = (float*)call.Take(t);
        call.Whole = isPadded ? (float*)call.Take(padded) : x;
        call.WholeStride = isPadded ? (nint)weights.Units * PackedMatrix.Unit : weights.K;

        // Rounding a number costs about as much as eight multiplications.
        long work = (long)rows * weights.K * (weights.Rank + (mode == ActivationMode.Int8 ? 8 : 0));
        if (work > 0 || isPadded)
        {
            call.Phase = 1;
            int tasks = Math.Min(Tasks(work), Math.Min(tiles, (rows + TaskRows - 1) / TaskRows));
            Run(call, parallel, call.Parts > 1 ? 1 + call.Parts : tasks);
        }
        for (int part = 1; part < call.Parts; part++)
        {
            for (nint i = 0; i < (nint)rows * weights.RankStride; i++)
            {
                call.T[i] += call.T[part * (nint)rows * weights.RankStride + i];
            }
        }
        call.Phase = 2;
        Run(call, parallel, Math.Min(Tasks((long)rows * weights.K * weights.N), weights.Panels));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal override void RunTask(MatMulCall call, int index)
    {
        if (call.Phase == 2)
        {
            (int first, int end) = Share(weights.Panels, index, call.Tasks);
            var tiles = new RowTiles(call.Rows, Tallest);
            if (IsPacked(tiles.Count))
            {
                RunPacked(call, first, end);
                return;
            }
            // Rows outside, panels inside: the second-level cache holds the activations of a chunk's rows for all panels.
            for (int tile = 0; tile < tiles.Count; tile += ChunkRows / Tallest)
            {
                for (int panel = first; panel < end; panel++)
                {
                    RunPanel(call, panel, tile, Math.Min(tile + ChunkRows / Tallest, tiles.Count));
                }
            }
            return;
        }
        if (call.Parts > 1)
        {
            if (index == 0)
            {
                Prepare(call, 0);
            }
            else
            {
                (int first, int end) = Share(weights.K, index - 1, call.Parts);
                ProjectTile(call, 0, index - 1, first, end - first);
            }
            return;
        }
        (int from, int to) = Share(new RowTiles(call.Rows, Tallest).Count, index, call.Tasks);
        for (int tile = from; tile < to; tile++)
        {
            Prepare(call, tile);
        }
        if (to - from == 1)
        {
            ProjectTile(call, from, 0, 0, weights.K);
        }
        else if (weights.Rank > 0)
        {
            Project(call, from, to);
        }
    }

    /// <summary>
    /// Whether packed codes are read as they are: the codes of the only tile, each of which is used once. With more tiles, what they share is unpacked; and so it is for what the tile
    /// functions for packed codes do not know.
    /// </summary>
    private bool IsPacked(int tiles) =>
        tiles == 1 && !weights.IsHalfBlock && (mode == ActivationMode.Int8 || weights.Codebook is null && IsOffsetExact);

    /// <summary>Whether <c>zero·scale</c> is a float32 number: float16 scales are short, and usual zero points powers of two.</summary>
    private bool IsOffsetExact => weights.Zeros is null || weights.HalfScales is not null;

    private static void Run(MatMulCall call, IParallel parallel, int tasks)
    {
        call.Tasks = tasks;
        if (tasks == 1)
        {
            call.Run(0);
        }
        else
        {
            parallel.For(call, tasks);
        }
        call.ThrowIfFaulted();
    }

    private static int Tasks(long work) => (int)Math.Clamp(work / TaskWork, 1, MostTasks);

    private static (int First, int End) Share(int items, int index, int tasks) =>
        ((int)((long)items * index / tasks), (int)((long)items * (index + 1) / tasks));

    /// <summary>Rounds a tile's activations, or fills up exact ones to whole units where packed codes want them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Prepare(MatMulCall call, int tile)
    {
        var tiles = new RowTiles(call.Rows, Tallest);
        int height = tiles.Height(tile);
        if (mode == ActivationMode.Exact)
        {
            for (int r = tiles.Start(tile); r < tiles.Start(tile) + height && call.Whole != call.X; r++)
            {
                var row = new Span<float>(call.Whole + r * call.WholeStride, (int)call.WholeStride);
                new ReadOnlySpan<float>(call.X + (nint)r * weights.K, weights.K).CopyTo(row);
                row[weights.K..].Clear();
            }
            return;
        }
        float factor = weights.Zeros is null ? -weights.DefaultZero : 1;
        for (int r = 0; r < height; r++)
        {
            ActivationQuantizer<TIsa, TInt, TFloat>.Row(
                call.X + (nint)(tiles.Start(tile) + r) * weights.K,
                weights.K,
                CodesOf(call, tiles.Start(tile)) + r * PackedMatrix.Unit,
                SumsOf(call, tiles.Start(tile)) + Entry * r,
                height,
                Runs,
                factor,
                IsCentered ? new Centering(1 << (TWidth.Bits - 1), TWidth.StepsPerSum) : default
            );
        }
    }

    /// <summary><c>T = x·L1</c> for one tile and a part of K.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ProjectTile(MatMulCall call, int tile, int part, int first, int length)
    {
        var tiles = new RowTiles(call.Rows, Tallest);
        for (int p = 0; p < weights.RankPanels; p++)
        {
            nint at = ((nint)p * weights.K + first) * Panel;
            var work = new TileWork
            {
                Weights = weights.L1 is null ? null : (byte*)(weights.L1 + at),
                HalfWeights = weights.HalfL1 + at,
                Length = length,
                X = call.X + (nint)tiles.Start(tile) * weights.K + first,
                XStride = weights.K,
                To = call.T + ((nint)part * call.Rows + tiles.Start(tile)) * weights.RankStride + p * Panel,
                ToStride = weights.RankStride,
            };
            RunFloat(tiles.Height(tile), ref work);
        }
    }

    /// <summary><c>T = x·L1</c> for some tiles: a chunk of L1 is widened once for all of them.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Project(MatMulCall call, int from, int to)
    {
        var tiles = new RowTiles(call.Rows, Tallest);
        int start = tiles.Start(from);
        float* wide = stackalloc float[FactorChunk * Panel];
        for (int p = 0; p < weights.RankPanels; p++)
        {
            for (int first = 0; first < weights.K; first += FactorChunk)
            {
                int length = Math.Min(FactorChunk, weights.K - first);
                nint at = ((nint)p * weights.K + first) * Panel;
                if (weights.L1 is null)
                {
                    Widen(weights.HalfL1 + at, wide, length);
                }
                var work = new TileWork
                {
                    Weights = (byte*)(weights.L1 is null ? wide : weights.L1 + at),
                    Length = length,
                    X = call.X + (nint)start * weights.K + first,
                    XStride = weights.K,
                    FromStride = weights.RankStride,
                    To = call.T + (nint)start * weights.RankStride + p * Panel,
                    ToStride = weights.RankStride,
                };
                work.From = first == 0 ? null : work.To;
                RunFloat(tiles.Start(to) - start, ref work);
            }
        }
    }

    private sbyte* CodesOf(MatMulCall call, int row) => call.Codes + (nint)row * weights.Units * PackedMatrix.Unit;

    private float* SumsOf(MatMulCall call, int row) => call.Sums + (nint)row * weights.Units * Runs * Entry;

    /// <summary>Runs a float tile function over rows, as many at a time as it has.</summary>
    private static void RunFloat(int rows, ref TileWork work)
    {
        int rest = rows % SixRows.Count;
        RunFloat(SixRows.Count, rows / SixRows.Count, ref work);
        if (rest > ThreeRows.Count)
        {
            RunFloat(rest - TwoRows.Count, 1, ref work);
            rest = TwoRows.Count;
        }
        RunFloat(rest, 1, ref work);
    }

    /// <summary>Some tiles of the same height; the pointers move behind them.</summary>
    private static void RunFloat(int height, int tiles, ref TileWork work)
    {
        if (height == 0 || tiles == 0)
        {
            return;
        }
        work.Tiles = tiles;
        work.XStep = height * work.XStride;
        work.FromStep = height * work.FromStride;
        work.ToStep = height * work.ToStride;
        RunFloatTiles(height, work);
        work.X += tiles * work.XStep;
        work.From += work.From is null ? 0 : tiles * work.FromStep;
        work.To += tiles * work.ToStep;
    }

    private static void RunFloatTiles(int height, in TileWork work)
    {
        switch (height)
        {
            case 1:
                FloatTile<TIsa, TInt, TFloat, OneRow>.Run(work);
                break;
            case 2:
                FloatTile<TIsa, TInt, TFloat, TwoRows>.Run(work);
                break;
            case 3:
                FloatTile<TIsa, TInt, TFloat, ThreeRows>.Run(work);
                break;
            default:
                FloatTile<TIsa, TInt, TFloat, SixRows>.Run(work);
                break;
        }
    }
}
