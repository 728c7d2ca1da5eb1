using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Lorq.Runtime.Cpu;

/// <content>The second phase: panels of columns.</content>
internal sealed unsafe partial class TiledMatMul<TIsa, TInt, TFloat, TWidth>
{
    /// <summary>Units of codes (8 KiB with eight lanes) that are unpacked at a time.</summary>
    private const int ChunkUnits = 16;

    /// <summary>Units that are decoded to floats at a time.</summary>
    private const int FloatUnits = 4;

    /// <summary>The largest rank whose part of a panel is widened to floats once for all rows.</summary>
    private const int WidenedRank = 256;

    /// <summary>Panels against the only tile, whose packed codes are read once.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void RunPacked(MatMulCall call, int first, int end)
    {
        int width = weights.N - (end - 1) * Panel;
        int whole = width < Panel ? end - 1 : end;
        RunPacked(call, first, whole - first, call.Y + (nint)first * Panel, weights.N);
        if (whole < end)
        {
            float* last = stackalloc float[4 * Panel];
            RunPacked(call, whole, 1, last, Panel);
            Copy(last, call.Y + (nint)whole * Panel, call.Rows, width);
        }
    }

    private void RunPacked(MatMulCall call, int panel, int panels, float* to, nint stride)
    {
        if (panels == 0)
        {
            return;
        }
        TileWork work = Chunk(panel, 0, weights.Units);
        work.Tiles = panels;
        work.WeightsStep = (nint)weights.Units * weights.UnitBytes;
        work.ScaleStep = (nint)weights.Blocks * Panel;
        work.Codes = call.Codes;
        work.Sums = call.Sums;
        work.From = weights.Bias + (nint)panel * Panel;
        work.FromStep = Panel;
        work.To = to;
        work.ToStride = stride;
        work.ToStep = Panel;
        if (weights.Rank > 0)
        {
            TileWork pair = Pair(call, panel);
            pair.Tiles = panels;
            pair.WeightsStep = (nint)weights.Rank * Panel * (weights.L2 is null ? sizeof(Half) : sizeof(float));
            pair.From = work.From;
            pair.FromStep = Panel;
            pair.To = to;
            pair.ToStride = stride;
            pair.ToStep = Panel;
            // There is no float tile of four rows.
            int height = call.Rows == FourRows.Count ? TwoRows.Count : call.Rows;
            for (int row = 0; row < call.Rows; row += height)
            {
                RunFloatTiles(height, pair);
                pair.X += height * pair.XStride;
                pair.To += height * stride;
            }
            work.From = to;
            work.FromStride = stride;
        }
        if (mode == ActivationMode.Int8)
        {
            RunInteger<PackedForm>(call.Rows, work);
            return;
        }
        work.X = call.Whole;
        work.XStride = call.WholeStride;
        RunExact(call.Rows, work, weights.DefaultZero);
    }

    /// <summary>A panel against some tiles of rows: a chunk's codes are unpacked, or decoded to floats, once for all of them.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void RunPanel(MatMulCall call, int panel, int from, int to)
    {
        var tiles = new RowTiles(call.Rows, Tallest);
        int start = tiles.Start(from);
        int rows = tiles.Start(to) - start;
        int width = Math.Min(Panel, weights.N - panel * Panel);
        float* y = call.Y + (nint)start * weights.N + panel * Panel;
        bool isExact = mode == ActivationMode.Exact;
        int chunk = isExact ? FloatUnits : ChunkUnits;
        byte* unpacked = stackalloc byte[isExact ? FloatUnits * 32 * Panel * sizeof(float) : ChunkUnits * 16 * sizeof(TInt)];
        float* scales = stackalloc float[weights.Scales is not null || isExact ? 0 : ChunkUnits * 2 * Panel];
        float* sums = stackalloc float[rows * Panel];
        float* begin = weights.Bias + (nint)panel * Panel;
        nint beginStride = 0;
        if (weights.Rank > 0)
        {
            RunPair(call, panel, start, rows, begin, sums);
            begin = sums;
            beginStride = Panel;
        }
        for (int unit = 0; unit < weights.Units; unit += chunk)
        {
            int units = Math.Min(chunk, weights.Units - unit);
            bool isLast = unit + units == weights.Units;
            TileWork work = Chunk(panel, unit, units);
            work.From = unit == 0 ? begin : sums;
            work.FromStride = unit == 0 ? beginStride : Panel;
            work.To = isLast && width == Panel ? y : sums;
            work.ToStride = isLast && width == Panel ? weights.N : Panel;
            if (isExact)
            {
                Decode(panel, unit, units, (float*)unpacked);
                work.Weights = unpacked;
                work.Length = Math.Min(units * PackedMatrix.Unit, weights.K - unit * PackedMatrix.Unit);
                work.X = call.X + (nint)start * weights.K + unit * PackedMatrix.Unit;
                work.XStride = weights.K;
                RunFloat(rows, ref work);
                continue;
            }
            Unpack(work.Weights, units, unpacked);
            work.Weights = unpacked;
            if (work.Scales is null)
            {
                WidenScales(work, scales, weights.IsHalfBlock ? 2 * units : (units - 1) / weights.UnitsPerBlock + 1);
                work.Scales = scales;
            }
            for (int tile = from; tile < to; )
            {
                RowGroup group = tiles.Group(tile, to);
                RunGroup(call, group, unit, ref work);
                tile += group.Tiles;
            }
        }
        if (width < Panel)
        {
            Copy(sums, y, rows, width);
        }
    }

    /// <summary>Tiles of one height against a chunk; the pointers to sums move behind them.</summary>
    private void RunGroup(MatMulCall call, RowGroup group, int unit, ref TileWork work)
    {
        work.Tiles = group.Tiles;
        work.Codes = CodesOf(call, group.Start) + (nint)unit * group.Height * PackedMatrix.Unit;
        work.CodesStep = (nint)group.Height * weights.Units * PackedMatrix.Unit;
        work.Sums = SumsOf(call, group.Start) + (nint)unit * Runs * group.Height * Entry;
        work.SumsStep = (nint)group.Height * weights.Units * Runs * Entry;
        work.FromStep = group.Height * work.FromStride;
        work.ToStep = group.Height * work.ToStride;
        if (weights.IsHalfBlock)
        {
            RunInteger<HalfUnitForm>(group.Height, work);
        }
        else
        {
            RunInteger<UnpackedForm>(group.Height, work);
        }
        work.From += group.Tiles * work.FromStep;
        work.To += group.Tiles * work.ToStep;
    }

    /// <summary><c>bias + t·L2</c> of a panel and some rows.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void RunPair(MatMulCall call, int panel, int start, int rows, float* bias, float* sums)
    {
        bool isWidened = rows > SixRows.Count && weights.HalfL2 is not null && weights.Rank <= WidenedRank;
        float* wide = stackalloc float[isWidened ? weights.Rank * Panel : 0];
        TileWork pair = Pair(call, panel);
        if (isWidened)
        {
            Widen(pair.HalfWeights, wide, weights.Rank);
            pair.Weights = (byte*)wide;
        }
        pair.X += (nint)start * weights.RankStride;
        pair.From = bias;
        pair.To = sums;
        pair.ToStride = Panel;
        RunFloat(rows, ref pair);
    }

    private void Copy(float* panel, float* y, int rows, int width)
    {
        for (int r = 0; r < rows; r++)
        {
            new ReadOnlySpan<float>(panel + r * Panel, width).CopyTo(new Span<float>(y + (nint)r * weights.N, width));
        }
    }

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

    /// <summary>What adds the pair's part to a panel; which rows, where they begin and where they go is the caller's.</summary>
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
        };
    }

    private static void RunExact(int height, in TileWork work, float usualZero)
    {
        switch (height)
        {
            case 1:
                ExactTile<TIsa, TInt, TFloat, TWidth, OneRow>.Run(work, usualZero);
                break;
            case 2:
                ExactTile<TIsa, TInt, TFloat, TWidth, TwoRows>.Run(work, usualZero);
                break;
            default:
                ExactTile<TIsa, TInt, TFloat, TWidth, ThreeRows>.Run(work, usualZero);
                break;
        }
    }

    private static void RunInteger<TForm>(int height, in TileWork work)
        where TForm : ICodeForm
    {
        switch (height)
        {
            case 1:
                IntegerTile<TIsa, TInt, TFloat, TWidth, TForm, OneRow>.Run(work);
                break;
            case 2:
                IntegerTile<TIsa, TInt, TFloat, TWidth, TForm, TwoRows>.Run(work);
                break;
            case 3:
                IntegerTile<TIsa, TInt, TFloat, TWidth, TForm, ThreeRows>.Run(work);
                break;
            case 4 when !IsSplit:
                IntegerTile<TIsa, TInt, TFloat, TWidth, TForm, FourRows>.Run(work);
                break;
            default:
                throw new UnreachableException();
        }
    }
}
