// A Temporal worker that knows nothing of Durameter: it reads the usual variables, does two pieces of work at the same
// time, and exits 0. What each costs is derived by hand in ../test_go_worker.py.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"golang.org/x/sync/errgroup"
)

// Price is looked up without a task of its own: it is a local activity.
func Price(context.Context) (int, error) { return 42, nil }

// Charge fails twice.
func Charge(ctx context.Context) error {
	if activity.GetInfo(ctx).Attempt <= 2 {
		return errors.New("not yet")
	}
	return nil
}

// Pack reports progress three times. The SDK sends the first report at once and holds the others back; the last one is
// sent when the attempt fails, and dropped when it succeeds.
func Pack(ctx context.Context, failures int32) error {
	for box := range 3 {
		activity.RecordHeartbeat(ctx, box)
		time.Sleep(10 * time.Millisecond)
	}
	if activity.GetInfo(ctx).Attempt <= failures {
		return errors.New("not yet")
	}
	return nil
}

// Ask takes no time.
func Ask(context.Context, int) error { return nil }

func withActivities(ctx workflow.Context) workflow.Context {
	ctx = workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{StartToCloseTimeout: 10 * time.Second})
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 30 * time.Second,
		HeartbeatTimeout:    20 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: 50 * time.Millisecond, BackoffCoefficient: 1},
	})
}

// answers gives a workflow a query and an update whose validator rejects negative numbers.
func answers(ctx workflow.Context) error {
	notes := 0
	if err := workflow.SetQueryHandler(ctx, "notes", func() (int, error) { return notes, nil }); err != nil {
		return err
	}
	take := func(_ workflow.Context, note int) error {
		notes += note
		return nil
	}
	return workflow.SetUpdateHandlerWithOptions(ctx, "note", take, workflow.UpdateHandlerOptions{
		Validator: func(_ workflow.Context, note int) error {
			if note < 0 {
				return errors.New("negative")
			}
			return nil
		},
	})
}

// Order has a local activity beside a version, an activity that fails twice, a side effect, a timer and a child.
func Order(ctx workflow.Context) error {
	if err := answers(ctx); err != nil {
		return err
	}
	ctx = withActivities(ctx)
	workflow.GetVersion(ctx, "discount", workflow.DefaultVersion, 1)
	if err := workflow.ExecuteLocalActivity(ctx, Price).Get(ctx, nil); err != nil {
		return err
	}
	if err := workflow.ExecuteActivity(ctx, Charge).Get(ctx, nil); err != nil {
		return err
	}
	workflow.SideEffect(ctx, func(workflow.Context) any { return 7 })
	if err := workflow.Sleep(ctx, 50*time.Millisecond); err != nil {
		return err
	}
	if err := workflow.ExecuteChildWorkflow(ctx, Parcel).Get(ctx, nil); err != nil {
		return err
	}
	workflow.GetSignalChannel(ctx, "paid").Receive(ctx, nil)
	return nil
}

// Parcel is the child of an order.
func Parcel(ctx workflow.Context) error {
	return workflow.ExecuteActivity(withActivities(ctx), Pack, 0).Get(ctx, nil)
}

// Survey asks three questions at once, continues as new, and ends with a helper that it signals.
func Survey(ctx workflow.Context, second bool) error {
	if err := answers(ctx); err != nil {
		return err
	}
	ctx = withActivities(ctx)
	if !second {
		workflow.GetSignalChannel(ctx, "go").Receive(ctx, nil)
		var asked []workflow.Future
		for question := range 3 {
			asked = append(asked, workflow.ExecuteActivity(ctx, Ask, question))
		}
		for _, each := range asked {
			if err := each.Get(ctx, nil); err != nil {
				return err
			}
		}
		return workflow.NewContinueAsNewError(ctx, Survey, true)
	}
	if err := workflow.ExecuteActivity(ctx, Pack, 1).Get(ctx, nil); err != nil {
		return err
	}
	workflow.GetVersion(ctx, "wording", workflow.DefaultVersion, 1)
	if err := workflow.Sleep(ctx, 50*time.Millisecond); err != nil {
		return err
	}
	helper := workflow.ExecuteChildWorkflow(ctx, Helper)
	if err := helper.SignalChildWorkflow(ctx, "done", nil).Get(ctx, nil); err != nil {
		return err
	}
	if err := helper.Get(ctx, nil); err != nil {
		return err
	}
	workflow.GetSignalChannel(ctx, "enough").Receive(ctx, nil)
	return nil
}

// Helper waits for its parent's word.
func Helper(ctx workflow.Context) error {
	workflow.GetSignalChannel(ctx, "done").Receive(ctx, nil)
	return nil
}

func update(ctx context.Context, c client.Client, workflow string, note int) error {
	handle, err := c.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID:   workflow,
		UpdateName:   "note",
		Args:         []any{note},
		WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err == nil {
		err = handle.Get(ctx, nil)
	}
	if note < 0 && err == nil {
		return fmt.Errorf("%s: the note %d was not rejected", workflow, note)
	}
	if note < 0 {
		return nil
	}
	return err
}

func query(ctx context.Context, c client.Client, workflow string) error {
	_, err := c.QueryWorkflow(ctx, workflow, "", "notes")
	return err
}

func order(ctx context.Context, c client.Client, queue string) error {
	run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: "order", TaskQueue: queue}, Order)
	if err != nil {
		return err
	}
	for _, note := range []int{1, -1} {
		if err := update(ctx, c, "order", note); err != nil {
			return err
		}
	}
	if err := query(ctx, c, "order"); err != nil {
		return err
	}
	if err := c.SignalWorkflow(ctx, "order", "", "paid", nil); err != nil {
		return err
	}
	return run.Get(ctx, nil)
}

func survey(ctx context.Context, c client.Client, queue string) error {
	options := client.StartWorkflowOptions{ID: "survey", TaskQueue: queue}
	run, err := c.SignalWithStartWorkflow(ctx, "survey", "go", nil, options, Survey, false)
	if err != nil {
		return err
	}
	// What comes from here on is for the second run.
	if err := continued(ctx, c, run.GetRunID()); err != nil {
		return err
	}
	for _, note := range []int{-1, -2, 3} {
		if err := update(ctx, c, "survey", note); err != nil {
			return err
		}
	}
	if err := c.SignalWorkflow(ctx, "survey", "", "enough", nil); err != nil {
		return err
	}
	if err := run.Get(ctx, nil); err != nil {
		return err
	}
	for range 2 { // a workflow that has ended answers as well
		if err := query(ctx, c, "survey"); err != nil {
			return err
		}
	}
	return nil
}

// continued waits until another run than the first one is the current one. Describing is free.
func continued(ctx context.Context, c client.Client, first string) error {
	for {
		description, err := c.DescribeWorkflowExecution(ctx, "survey", "")
		if err != nil || description.WorkflowExecutionInfo.Execution.RunId != first {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func run() error {
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	c, err := client.Dial(client.Options{
		HostPort:  os.Getenv("TEMPORAL_ADDRESS"),
		Namespace: os.Getenv("TEMPORAL_NAMESPACE"),
	})
	if err != nil {
		return err
	}
	defer c.Close()
	queue := os.Getenv("TEMPORAL_TASK_QUEUE")
	w := worker.New(c, queue, worker.Options{})
	for _, each := range []any{Order, Parcel, Survey, Helper} {
		w.RegisterWorkflow(each)
	}
	for _, each := range []any{Price, Charge, Pack, Ask} {
		w.RegisterActivity(each)
	}
	if err := w.Start(); err != nil {
		return err
	}
	defer w.Stop()
	both, ctx := errgroup.WithContext(ctx)
	both.Go(func() error { return order(ctx, c, queue) })
	both.Go(func() error { return survey(ctx, c, queue) })
	return both.Wait()
}

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}
