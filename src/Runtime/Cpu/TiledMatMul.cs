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
    /// <summary>Units of codes (8 KiB with eight lanes) that are unpacked at a time.</summary>
    private const int ChunkUnits = 16;

    /// <summary>Units that are decoded to floats at a time.</summary>
    private const int FloatUnits = 4;

    /// <summary>Tiles of rows that share an unpacked chunk.</summary>
    private const int ChunkTiles = 32;

    /// <summary>Multiplications that make a task worth its dispatch.</summary>
    private const long TaskWork = 100_000;

    private const int MostTasks = 64;

    /// <summary>Tiles of rows that a task of the first phase has at least, where there are as many: they share what is widened of L1.</summary>
    private const int TaskTiles = 3;

    /// <summary>k of L1 that are widened to floats at a time.</summary>
    private const int FactorChunk = 128;

    /// <summary>The largest rank whose part of a panel is widened to floats once for all rows.</summary>
    private const int WidenedRank = 256;

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
        int tiles = new RowTiles(rows).Count;
        call.Parts = tiles == 1 ? Tasks((long)rows * weights.K * weights.Rank) : 1;
        nint t = (nint)call.Parts * rows * weights.RankStride * sizeof(float);
        call.Reserve(MatMulCall.Padded(codes) + MatMulCall.Padded(sums) + MatMulCall.Padded(t));
        call.Codes = (sbyte*)call.Take(codes);
        call.Sums = (float*)call.Take(sums);
        call.T = (float*)call.Take(t);

        long work = (long)rows * weights.K * (weights.Rank + 8);
        call.Phase = 1;
        Run(call, parallel, call.Parts > 1 ? 1 + call.Parts : Math.Min(Tasks(work), (tiles + TaskTiles - 1) / TaskTiles));
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
            var tiles = new RowTiles(call.Rows);
            if (IsPacked(tiles))
            {
                RunPacked(call, first, end);
                return;
            }
            // Rows outside, panels inside: the second-level cache holds the activations of a chunk's rows for all panels.
            for (int tile = 0; tile < tiles.Count; tile += ChunkTiles)
            {
                for (int panel = first; panel < end; panel++)
                {
                    RunPanel(call, panel, tile, Math.Min(tile + ChunkTiles, tiles.Count));
                }
            }
            return;
        }
        if (call.Parts > 1)
        {
            if (index == 0)
            {
                Quantize(call, 0);
            }
            else
            {
                (int first, int end) = Share(weights.K, index - 1, call.Parts);
                ProjectTile(call, 0, index - 1, first, end - first);
            }
            return;
        }
        (int from, int to) = Share(new RowTiles(call.Rows).Count, index, call.Tasks);
        for (int tile = from; tile < to; tile++)
        {
            Quantize(call, tile);
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

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Quantize(MatMulCall call, int tile)
    {
        if (mode == ActivationMode.Exact)
        {
            return;
        }
        var tiles = new RowTiles(call.Rows);
        int height = tiles.Height(tile);
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
        var tiles = new RowTiles(call.Rows);
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
            RunFloat(tiles.Group(tile, tile + 1), ref work);
        }
    }

    /// <summary><c>T = x·L1</c> for some tiles: a chunk of L1 is widened once for all of them.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Project(MatMulCall call, int from, int to)
    {
        var tiles = new RowTiles(call.Rows);
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
                    XStride = weights.K,
                    FromStride = weights.RankStride,
                    ToStride = weights.RankStride,
                };
                for (int tile = from; tile < to; )
                {
                    RowGroup group = tiles.Group(tile, to);
                    work.X = call.X + (nint)group.Start * weights.K + first;
                    work.To = call.T + (nint)group.Start * weights.RankStride + p * Panel;
                    work.From = first == 0 ? null : work.To;
                    RunFloat(group, ref work);
                    tile += group.Tiles;
                }
            }
        }
    }

    /// <summary>Panels of the only tile, whose packed codes are read once: what panels have in common is prepared for all of them.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void RunPacked(MatMulCall call, int first, int end)
    {
        RowGroup rows = new RowTiles(call.Rows).Group(0, 1);
        int height = rows.Height;
        float* sums = stackalloc float[3 * Panel];
        TileWork work = Chunk(first, 0, weights.Units);
        work.Codes = call.Codes;
        work.Sums = call.Sums;
        work.From = weights.Bias + (nint)first * Panel;
        TileWork pair = Pair(call, first);
        pair.From = sums;
        for (int panel = first; panel < end; panel++)
        {
            int width = Math.Min(Panel, weights.N - panel * Panel);
            float* y = call.Y + (nint)panel * Panel;
            float* to = width == Panel ? y : sums;
            nint stride = width == Panel ? weights.N : Panel;
            work.To = weights.Rank > 0 ? sums : to;
            work.ToStride = weights.Rank > 0 ? Panel : stride;
            RunInteger<PackedForm>(rows, ref work);
            if (weights.Rank > 0)
            {
                pair.To = to;
                pair.ToStride = stride;
                RunFloat(rows, ref pair);
            }
            for (int r = 0; r < height && width < Panel; r++)
            {
                new ReadOnlySpan<float>(sums + r * Panel, width).CopyTo(new Span<float>(y + (nint)r * weights.N, width));
            }
            nint scales = (nint)weights.Blocks * Panel;
            work.Weights += (nint)weights.Units * weights.UnitBytes;
            work.Scales += work.Scales is null ? 0 : scales;
            work.HalfScales += work.HalfScales is null ? 0 : scales;
            work.ByteScales += work.ByteScales is null ? 0 : scales;
            work.ScaleFactors += work.ScaleFactors is null ? 0 : Panel;
            work.Zeros += work.Zeros is null ? 0 : scales;
            work.From += Panel;
            nint factors = (nint)weights.Rank * Panel;
            pair.Weights += pair.Weights is null ? 0 : factors * sizeof(float);
            pair.HalfWeights += pair.HalfWeights is null ? 0 : factors;
        }
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void RunPanel(MatMulCall call, int panel, int from, int to)
    {
        var tiles = new RowTiles(call.Rows);
        bool isExact = mode == ActivationMode.Exact;
        int chunk = isExact ? FloatUnits : ChunkUnits;
        byte* unpacked = stackalloc byte[isExact ? FloatUnits * 32 * Panel * sizeof(float) : ChunkUnits * 16 * sizeof(TInt)];
        float* scales = stackalloc float[weights.Scales is not null || isExact ? 0 : ChunkUnits * 2 * Panel];
        float* sums = stackalloc float[(to - from) * 3 * Panel];
        bool isWidened = tiles.Count > 1 && weights.HalfL2 is not null && weights.Rank <= WidenedRank;
        float* l2 = stackalloc float[isWidened ? weights.Rank * Panel : 0];
        TileWork pair = Pair(call, panel);
        if (isWidened)
        {
            Widen(pair.HalfWeights, l2, weights.Rank);
            pair.Weights = (byte*)l2;
        }
        for (int unit = 0; unit < weights.Units; unit += chunk)
        {
            int units = Math.Min(chunk, weights.Units - unit);
            TileWork work = Chunk(panel, unit, units);
            if (isExact)
            {
                Decode(panel, unit, units, (float*)unpacked);
                work.Weights = unpacked;
                work.Length = Math.Min(units * PackedMatrix.Unit, weights.K - unit * PackedMatrix.Unit);
            }
            else
            {
                Unpack(work.Weights, units, unpacked);
                work.Weights = unpacked;
                if (work.Scales is null)
                {
                    WidenScales(work, scales, weights.IsHalfBlock ? 2 * units : (units - 1) / weights.UnitsPerBlock + 1);
                    work.Scales = scales;
                }
            }
            for (int tile = from; tile < to; )
            {
                RowGroup group = tiles.Group(tile, to);
                RunGroup(call, group, panel, unit, ref work, sums + (group.Start - tiles.Start(from)) * Panel);
                tile += group.Tiles;
            }
        }
        for (int tile = from; tile < to; )
        {
            RowGroup group = tiles.Group(tile, to);
            Finish(call, group, panel, ref pair, sums + (group.Start - tiles.Start(from)) * Panel);
            tile += group.Tiles;
        }
    }

    /// <summary>Adds a chunk's products to the sums of some tiles.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void RunGroup(MatMulCall call, RowGroup group, int panel, int unit, ref TileWork work, float* sums)
    {
        work.From = unit == 0 ? weights.Bias + (nint)panel * Panel : sums;
        work.FromStride = unit == 0 ? 0 : Panel;
        work.To = sums;
        work.ToStride = Panel;
        if (mode == ActivationMode.Exact)
        {
            work.X = call.X + (nint)group.Start * weights.K + unit * PackedMatrix.Unit;
            work.XStride = weights.K;
            RunFloat(group, ref work);
            return;
        }
        work.Codes = CodesOf(call, group.Start) + (nint)unit * group.Height * PackedMatrix.Unit;
        work.Sums = SumsOf(call, group.Start) + (nint)unit * Runs * group.Height * Entry;
        work.CodesStride = (nint)weights.Units * PackedMatrix.Unit;
        work.SumsStride = (nint)weights.Units * Runs * Entry;
        if (weights.IsHalfBlock)
        {
            RunInteger<HalfUnitForm>(group, ref work);
        }
        else
        {
            RunInteger<UnpackedForm>(group, ref work);
        }
    }

    /// <summary>Adds <c>t·L2</c> to the sums of some tiles and stores them as y.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Finish(MatMulCall call, RowGroup group, int panel, ref TileWork pair, float* sums)
    {
        int width = Math.Min(Panel, weights.N - panel * Panel);
        float* y = call.Y + (nint)group.Start * weights.N + panel * Panel;
        if (weights.Rank > 0)
        {
            pair.X = call.T + (nint)group.Start * weights.RankStride;
            pair.From = sums;
            pair.To = width == Panel ? y : sums;
            pair.ToStride = width == Panel ? weights.N : Panel;
            RunFloat(group, ref pair);
            if (width == Panel)
            {
                return;
            }
        }
        for (int r = 0; r < group.Height * group.Tiles; r++)
        {
            new ReadOnlySpan<float>(sums + r * Panel, width).CopyTo(new Span<float>(y + (nint)r * weights.N, width));
        }
    }

    /// <summary>Whether tiles read packed codes: where no second tile would share the unpacking.</summary>
    private bool IsPacked(RowTiles tiles) => tiles.Count == 1 && mode == ActivationMode.Int8 && !weights.IsHalfBlock;

    /// <summary>A chunk's codes, scales and zero points.</summary>
    private TileWork Chunk(int panel, int unit, int units)
    {
        nint block = (nint)panel * weights.Blocks + (weights.IsHalfBlock ? 2 * unit : unit / weights.UnitsPerBlock);
        return new TileWork
        {
            Weights = weights.Codes + ((nint)panel * weights.Units + unit) * weights.UnitBytes,
            Length = units,
            Scales = weights.Scales is null ? null : weights.Scales + block * Panel,
            HalfScales = weights.HalfScales is null ? null : weights.HalfScales + block * Panel,
            ByteScales = weights.ByteScales is null ? null : weights.ByteScales + block * Panel,
            ScaleFactors = weights.ScaleFactors is null ? null : weights.ScaleFactors + (nint)panel * Panel,
            Zeros = weights.Zeros is null ? null : weights.Zeros + block * Panel,
            UnitsPerBlock = weights.UnitsPerBlock,
        };
    }

    /// <summary>What adds the pair's part to sums of a panel; where they lie, and where they go, is the caller's.</summary>
    private TileWork Pair(MatMulCall call, int panel)
    {
        nint factors = (nint)panel * weights.Rank * Panel;
        return new TileWork
        {
            Weights = weights.L2 is null ? null : (byte*)(weights.L2 + factors),
            HalfWeights = weights.HalfL2 + factors,
            Length = weights.Rank,
            X = call.T,
            XStride = weights.RankStride,
            FromStride = Panel,
        };
    }

    private sbyte* CodesOf(MatMulCall call, int row) => call.Codes + (nint)row * weights.Units * PackedMatrix.Unit;

    private float* SumsOf(MatMulCall call, int row) => call.Sums + (nint)row * weights.Units * Runs * Entry;

    private static void RunFloat(RowGroup group, ref TileWork work)
    {
        work.Tiles = group.Tiles;
        switch (group.Height)
        {
            case 1:
                FloatTile<TIsa, TInt, TFloat, OneRow>.Run(work);
                return;
            case 2:
                FloatTile<TIsa, TInt, TFloat, TwoRows>.Run(work);
                return;
        }
        if (group.Tiles > 1)
        {
            // Two tiles at once, as long as there are two.
            work.Tiles = group.Tiles / 2;
            FloatTile<TIsa, TInt, TFloat, SixRows>.Run(work);
            nint rows = (nint)work.Tiles * SixRows.Count;
            work.Tiles = group.Tiles % 2;
            work.X += rows * work.XStride;
            work.From += work.From is null ? 0 : rows * work.FromStride;
            work.To += rows * work.ToStride;
        }
        if (work.Tiles == 1)
        {
            FloatTile<TIsa, TInt, TFloat, ThreeRows>.Run(work);
        }
    }

    private static void RunInteger<TForm>(RowGroup group, ref TileWork work)
        where TForm : ICodeForm
    {
        work.Tiles = group.Tiles;
        switch (group.Height)
        {
            case 1:
                IntegerTile<TIsa, TInt, TFloat, TWidth, TForm, OneRow>.Run(work);
                break;
            case 2:
                IntegerTile<TIsa, TInt, TFloat, TWidth, TForm, TwoRows>.Run(work);
                break;
            default:
                IntegerTile<TIsa, TInt, TFloat, TWidth, TForm, ThreeRows>.Run(work);
                break;
        }
    }
}
